// Write agents for WorkflowForge in JavaScript.
//
// The entry module of a plugin exports what `defineAgent` or `defineAgents` gives:
//
//   import { defineAgent } from "@workflowforge/sdk";
//   export const agent = defineAgent((input, ctx) => ({ words: input.text.split(/\s+/).length }));
//
// Nothing here imports the host: the build writes a module that hands it in, as only the build
// knows which interfaces the plugin's world has. So all of this runs in node as well, for tests.

import { readAgent, readAgents, remember } from "./agents.js";
import { install } from "./globals.js";
import { Host } from "./host.js";
import { serve } from "./serve.js";

export { Failure, denied, failed, invalidInput, limit, upstream } from "./failure.js";
export { Reply } from "./reply.js";
export { decode, encode } from "./utf8.js";

let host = new Host({});

// Before the author's modules load, as their top may need it already.
install(globalThis);

/** Hands in the interfaces of the plugin's world. Not for authors: the build calls it. */
export function connect(interfaces) {
  host = new Host(interfaces);
}

/** The plugin's only agent: `run(input, ctx)`, or `{ name, description, input, …, run }`. */
export function defineAgent(agent) {
  return exported(readAgent(agent));
}

/** Several agents, each a function or an object with `run`, under their names. */
export function defineAgents(agents) {
  return exported(readAgents(agents));
}

const exported = (agents) => remember({ invoke: (call) => serve(agents, call, host) }, agents);
