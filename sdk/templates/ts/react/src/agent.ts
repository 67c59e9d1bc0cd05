// Answers a question with a model that calls tools: it thinks, acts, looks at what came of it, and
// so on, until it can answer or has no turn left.

import { type Ctx, defineAgents, Failure, type Message, type ToolCall } from "@workflowforge/sdk";

const SYSTEM = "Answer the question. Call tools for what you do not know.";
const LAST_TURN = "This is the last turn. Call no tool; answer with what you know.";

interface Question {
  question: string;
  model?: string;
}

interface Config {
  turns_max?: number;
}

const GLOSSARY = new Map([
  ["agent", "A plugin that does one thing in a sandbox of its own."],
  ["run", "One execution of a workflow, which survives a crash."],
]);

const main = {
  description: "Thinks, calls tools and looks at their answers, until it can answer.",
  input: {
    type: "object",
    required: ["question"],
    properties: {
      question: { type: "string", description: "The question." },
      model: { type: "string", description: "A model of the host's configuration." },
    },
  },
  output: {
    type: "object",
    required: ["answer", "turns"],
    properties: {
      answer: { type: "string", description: "The answer." },
      turns: { type: "integer", description: "How many turns it took." },
    },
  },
  config: {
    type: "object",
    properties: { turns_max: { type: "integer", minimum: 1, description: "The most turns." } },
  },
  run({ question, model = "mock" }: Question, ctx: Ctx<Config>) {
    const turnsMax = ctx.config.turns_max ?? 4;
    const tools = ctx.tools.list().map(({ name, description, inputSchema }) => {
      return { name, description, parameters: inputSchema };
    });
    const messages: Message[] = [
      { role: "system", text: SYSTEM },
      { role: "user", text: question },
    ];
    for (let turns = 1; ; turns += 1) {
      const isLast = turns >= turnsMax;
      if (isLast && turns > 1) messages.push({ role: "user", text: LAST_TURN });
      const answer = ctx.llm.complete({ model, messages, tools });
      if (isLast || answer.toolCalls.length === 0) return { answer: answer.text, turns };
      messages.push(answer.message, act(ctx, answer.toolCalls));
    }
  },
};

/** Calls the tools side by side. A tool's failure is for the model to read. */
function act(ctx: Ctx, calls: readonly ToolCall[]): Message {
  const wanted = calls.map((call) => ({ name: call.name, input: call.arguments }));
  const parts = ctx.tools.callAll(wanted).map((answer, at) => {
    const { id, name } = calls[at];
    const isError = answer instanceof Failure;
    ctx.emit("step", { tool: name, ok: !isError });
    return { toolResult: { id, content: isError ? answer.message : answer, isError } };
  });
  return { role: "tool", parts };
}

const lookup = {
  description: "Looks a word up in a small glossary.",
  input: {
    type: "object",
    required: ["word"],
    properties: { word: { type: "string", description: "The word." } },
  },
  output: {
    type: "object",
    required: ["meaning"],
    properties: {
      meaning: { type: ["string", "null"], description: "Null where the word is not known." },
    },
  },
  run: ({ word }: { word: string }) => ({ meaning: GLOSSARY.get(word.toLowerCase()) ?? null }),
};

export const agent = defineAgents({ main, lookup });
