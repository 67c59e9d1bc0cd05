// Other agents and the tools of MCP servers. Need: `tool:<name>`.

import { only } from "./host.js";
import { string, toJson } from "./values.js";

export function tools(host) {
  const callAll = (calls) =>
    host.callAll("tools", "call", calls.map(toWire), (answer) => JSON.parse(answer));
  return {
    /** The tools that this node may call. */
    list: () => host.call("tools", "list").map(fromWire),
    /** Calls a tool. */
    call: (name, input = {}) => only(callAll([{ name, input }])),
    /** Calls several tools at once, each `{ name, input }`. */
    callAll,
  };
}

const toWire = ({ name, input = {}, options = {} }) => ({
  name: string("the tool's name", name),
  input: toJson("the tool's input", input),
  options: toJson("the options", options),
});

const fromWire = ({ name, description, inputSchema, outputSchema }) => ({
  name,
  description,
  inputSchema: JSON.parse(inputSchema),
  outputSchema: JSON.parse(outputSchema),
});
