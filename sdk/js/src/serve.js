// Turns a call of the contract into a call of a function, and back.

import { makeCtx, parse } from "./ctx.js";
import { failed, invalidInput, toPayload } from "./failure.js";
import { seeded } from "./random.js";
import { toWire } from "./reply.js";

/** Serves one call. Throws the contract's failure, never an Error. */
export function serve(agents, call, host) {
  Math.random = seeded(`${call.task}/${call.attempt}`);
  try {
    const run = agentNamed(agents, call.agent);
    const answer = run(parse("input", call.input), makeCtx(call, host));
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
