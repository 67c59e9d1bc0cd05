// Asks a person whether a text may be published.
//
// The sandbox is gone while the question is open. Once it is answered, the function runs from its
// top again and the host answers from its record; so what comes before a question must not depend
// on anything but the input.

import { type Ctx, defineAgent, Reply } from "@workflowforge/sdk";

interface Input {
  text: string;
}

interface Answer {
  publish: boolean;
  note?: string;
}

const ANSWER = {
  type: "object",
  required: ["publish"],
  properties: { publish: { type: "boolean" }, note: { type: "string" } },
};

export const agent = defineAgent({
  description: "Asks a person whether a text may be published.",
  input: {
    type: "object",
    required: ["text"],
    properties: { text: { type: "string", description: "The text to publish." } },
  },
  output: {
    type: "object",
    required: ["published", "note"],
    properties: {
      published: { type: "boolean", description: "Whether a person agreed." },
      note: { type: "string", description: "What the person said about it." },
    },
  },
  run({ text }: Input, ctx: Ctx) {
    const answer: Answer = ctx.ask(`Publish this?\n\n${text}`, { schema: ANSWER });
    const { publish, note = "" } = answer;
    const reply = new Reply({ published: publish, note });
    return publish ? reply : reply.goto("rejected");
  },
});
