// Write agents for WorkflowForge in JavaScript.
//
// The entry module of a plugin exports what `defineAgent` or `defineAgents` gives:
//
//   import { defineAgent } from "@workflowforge/sdk";
//   export const agent = defineAgent((input, ctx) => ({ words: input.text.split(/\s+/).length }));
//
// Nothing here imports the host: the build writes a module that hands it in, as only the build
// knows which interfaces the plugin's world has. So all of this runs in node as well, for tests.

import { makeConsole } from "./console.js";
import { Host } from "./host.js";
import { serve } from "./serve.js";

export { Failure, denied, failed, invalidInput } from "./failure.js";
export { Reply } from "./reply.js";
export { decode, encode } from "./utf8.js";

let host = new Host({});

/** Hands in the interfaces of the plugin's world. Not for authors: the build calls it. */
export function connect(interfaces) {
  host = new Host(interfaces);
  // QuickJS brings no console.
  globalThis.console = makeConsole(interfaces.log.write);
}

/** Makes a function the plugin's only agent, `main`. */
export function defineAgent(run) {
  return defineAgents({ main: run });
}

/** Makes each function of an object an agent of the plugin, under its key. */
export function defineAgents(agents) {
  return { invoke: (call) => serve(agents, call, host) };
}
