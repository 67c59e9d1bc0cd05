import { defineAgent } from "@workflowforge/sdk";

const SYSTEM = "Sum up what the user writes in one sentence.";

export const agent = defineAgent({
  description: "Sums a text up in one sentence.",
  input: {
    type: "object",
    required: ["text"],
    properties: {
      text: { type: "string", description: "The text to sum up." },
      model: { type: "string", description: "A model of the host's configuration." },
    },
  },
  output: {
    type: "object",
    required: ["summary"],
    properties: { summary: { type: "string", description: "The text in one sentence." } },
  },
  run({ text, model = "mock" }, ctx) {
    const messages = [
      { role: "system", text: SYSTEM },
      { role: "user", text },
    ];
    const answer = ctx.llm.complete({ model, messages, maxTokens: 200 });
    return { summary: answer.text.trim() };
  },
});
