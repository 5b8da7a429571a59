// Vercel's AI SDK asks one question, whole and streamed. Where the server is, the environment says.
//
// node ask_ai_sdk.js MODEL GRAMMAR

const { generateText, streamText } = require("ai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");

const [model, grammar] = process.argv.slice(2);
const server = createOpenAICompatible({
  name: "server",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
});
const asked = {
  model: server(model),
  prompt: "What is two and two?",
  providerOptions: { server: { grammar } },
  maxOutputTokens: 60,
};

async function main() {
  console.log((await generateText(asked)).text);
  console.log(await streamText(asked).text);
}

main();
