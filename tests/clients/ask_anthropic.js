// Anthropic's package for Node asks one question, whole and streamed. Where the server is, the environment says.
//
// node ask_anthropic.js MODEL GRAMMAR
//
// The server takes no grammar for messages, so the words are its model's.

const Anthropic = require("@anthropic-ai/sdk");

const [model] = process.argv.slice(2);
const asked = {
  model,
  messages: [{ role: "user", content: "What is two and two?" }],
  temperature: 0,
  max_tokens: 300,
};

async function main() {
  const client = new Anthropic();
  const text = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
  console.log(text(await client.messages.create(asked)));
  console.log(text(await client.messages.stream(asked).finalMessage()));
}

main();
