// Write agents for WorkflowForge in JavaScript.
//
// The entry module of a plugin exports what `defineAgent` or `defineAgents` gives:
//
//   import { defineAgent } from "workflowforge-sdk";
//   export const agent = defineAgent((input, ctx) => ({ words: input.text.split(/\s+/).length }));
//
// This module is the only one that imports the host. The rest runs in node as well, for tests.

import { write } from "workflowforge:plugin/log@0.1.0";
import { makeConsole } from "./console.js";
import { serve } from "./serve.js";

export { Failure, failed, invalidInput } from "./failure.js";
export { Reply } from "./reply.js";

// QuickJS brings no console.
globalThis.console = makeConsole(write);

/** Makes a function the plugin's only agent, `main`. */
export function defineAgent(run) {
  return defineAgents({ main: run });
}

/** Makes each function of an object an agent of the plugin, under its key. */
export function defineAgents(agents) {
  return { invoke: (call) => serve(agents, call, write) };
}
