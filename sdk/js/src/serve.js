// Turns a call of the contract into a call of a function, and back.

import { describe } from "./agents.js";
import { makeCtx, parse } from "./ctx.js";
import { failed, invalidInput, toPayload } from "./failure.js";
import { serving } from "./now.js";
import { seeded } from "./random.js";
import { toWire } from "./reply.js";
import { read } from "./schema.js";

/** The agent that the build asks what the others are. No manifest can have the name. */
export const DESCRIBE = "workflowforge:describe";

/** Serves one call. Throws the contract's failure, never an Error. */
export function serve(agents, call, host) {
  try {
    return serving(host, () => {
      if (call.agent === DESCRIBE) return toWire(describe(agents));
      Math.random = seeded(`${call.task}/${call.attempt}`);
      return toWire(answer(agentNamed(agents, call.agent), call, host));
    });
  } catch (thrown) {
    throw toPayload(thrown);
  }
}

function answer(agent, call, host) {
  const input = read("input", agent.input, parse("input", call.input));
  const ctx = makeCtx(call, host);
  ctx.config = read("config", agent.config, ctx.config);
  const returned = agent.run(input, ctx);
  if (typeof returned?.then === "function") {
    throw failed("async_agent", "the agent returned a promise; agents are synchronous");
  }
  return returned;
}

function agentNamed(agents, name) {
  if (Object.hasOwn(agents, name)) return agents[name];
  const known = Object.keys(agents).join(", ");
  throw invalidInput("unknown_agent", `the plugin has no agent "${name}"; it has ${known}`);
}
