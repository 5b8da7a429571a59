// Vercel's AI SDK calls a tool, then answers; both streamed. Where the server is, the environment says.
//
// node agent_ai_sdk.js MODEL GRAMMAR

const { jsonSchema, stepCountIs, streamText, tool } = require("ai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");

const [model, grammar] = process.argv.slice(2);
const server = createOpenAICompatible({
  name: "server",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  // The server takes no grammar where it reads tool calls.
  transformRequestBody: (body) => (body.tool_choice === "none" ? { ...body, grammar } : body),
});
const two = { type: "integer", enum: [2] };
const add = tool({
  description: "Add two numbers.",
  inputSchema: jsonSchema({ type: "object", properties: { a: two, b: two }, required: ["a", "b"] }),
  execute: async ({ a, b }) => {
    console.log(`add(${a}, ${b})`);
    return a + b;
  },
});

async function main() {
  const answer = streamText({
    model: server(model),
    prompt: "Call add.",
    tools: { add },
    toolChoice: "required",
    prepareStep: ({ stepNumber }) => (stepNumber ? { toolChoice: "none" } : {}),
    stopWhen: stepCountIs(2),
    maxOutputTokens: 400,
    temperature: 0,
  });
  console.log(await answer.text);
}

main();
