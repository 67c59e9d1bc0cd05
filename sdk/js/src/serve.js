// Turns a call of the contract into a call of a function, and back.

import { failed, invalidInput, toPayload } from "./failure.js";
import { seeded } from "./random.js";
import { toWire } from "./reply.js";

/** Serves one call. Throws the contract's failure, never an Error. */
export function serve(agents, call, write) {
  Math.random = seeded(`${call.task}/${call.attempt}`);
  try {
    const run = agentNamed(agents, call.agent);
    const answer = run(parse("input", call.input), context(call, write));
    if (typeof answer?.then === "function") {
      throw failed("async_agent", "the agent returned a promise; agents are synchronous");
    }
    return toWire(answer);
  } catch (thrown) {
    throw toPayload(thrown);
  }
}

function agentNamed(agents, name) {
  if (Object.hasOwn(agents, name)) return agents[name];
  const known = Object.keys(agents).join(", ");
  throw invalidInput("unknown_agent", `the plugin has no agent "${name}"; it has ${known}`);
}

/** The call without its input, its JSON parsed, and the log with fields. */
function context(call, write) {
  const { agent, task, run, thread, workflow, node, step, attempt } = call;
  return {
    call: { agent, task, run, thread, workflow, node, step, attempt },
    config: parse("configuration", call.config) ?? {},
    context: parse("context", call.context) ?? {},
    log: (level, message, fields = {}) =>
      write(
        level,
        message,
        Object.entries(fields).map(([name, value]) => [name, String(value)]),
      ),
  };
}

function parse(what, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidInput("invalid_json", `the ${what} is no JSON: ${error.message}`);
  }
}
