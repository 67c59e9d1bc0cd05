// Questions to people. Need: `ask`.

import { only } from "./host.js";
import { optional, string, toJson, toOptionalJson, unsigned } from "./values.js";

export function human(host) {
  const askAll = (questions) =>
    host.callAll("human", "ask", questions.map(toWire), (answer) => JSON.parse(answer));
  return {
    /** Asks a person; the run waits without a sandbox until the answer is there. */
    ask: (prompt, options = {}) => only(askAll([{ prompt, ...options }])),
    /** Asks several questions at once; each is a prompt, or an object with one. */
    askAll,
  };
}

function toWire(question) {
  const {
    prompt,
    schema,
    deadlineMs,
    assignee,
    options = {},
  } = typeof question === "string" ? { prompt: question } : question;
  return {
    prompt: string("the prompt", prompt),
    schema: toOptionalJson("the schema", schema),
    deadlineMs: optional(deadlineMs, (ms) => unsigned("deadlineMs", ms)),
    assignee: optional(assignee, (name) => string("the assignee", name)),
    options: toJson("the options", options),
  };
}
