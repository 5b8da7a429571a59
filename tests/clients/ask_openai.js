// The openai package for Node asks one question, whole and streamed. Where the server is, the environment says.
//
// node ask_openai.js MODEL GRAMMAR

const OpenAI = require("openai");

const [model, grammar] = process.argv.slice(2);
const asked = {
  model,
  messages: [{ role: "user", content: "What is two and two?" }],
  grammar,
  max_tokens: 60,
};

async function main() {
  const client = new OpenAI();
  console.log((await client.chat.completions.create(asked)).choices[0].message.content);
  let text = "";
  for await (const part of await client.chat.completions.create({ ...asked, stream: true })) {
    text += part.choices[0].delta.content ?? "";
  }
  console.log(text);
}

main();
