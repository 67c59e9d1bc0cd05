// What `defineAgent` and `defineAgents` take, read once while the plugin is built.

import { checkSchema, jsonSchemaOf } from "./schema.js";

/** The agent of a plugin that has only one. */
export const MAIN = "main";

const SCHEMAS = { input: "input", output: "output", config: "input" };
const FIELDS = ["name", "description", ...Object.keys(SCHEMAS), "run"];

/** Of each exported object the agents that it serves. */
const definitions = new WeakMap();

/** Notes which agents an exported object serves. */
export function remember(exported, agents) {
  definitions.set(exported, agents);
  return exported;
}

/** The agents that an exported object serves; none where it is of another making. */
export const agentsOf = (exported) => definitions.get(exported);

/** One agent under the name that it gives itself, or `main`. */
export function readAgent(given) {
  const name = given?.name !== undefined && typeof given !== "function" ? given.name : MAIN;
  return { [name]: read(name, given) };
}

/** Several agents under their keys. */
export function readAgents(given) {
  if (typeof given !== "object" || given === null || Object.keys(given).length === 0) {
    throw new TypeError("defineAgents takes an object: an agent under each name");
  }
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, read(name, one)]));
}

/** What the agents say of themselves, for the manifest. */
export function describe(agents) {
  const said = Object.entries(agents).map(([name, agent]) => [name, describeOne(name, agent)]);
  return { agents: Object.fromEntries(said) };
}

function describeOne(name, agent) {
  const said = agent.description === undefined ? {} : { description: agent.description };
  for (const [field, direction] of Object.entries(SCHEMAS)) {
    if (agent[field] === undefined) continue;
    said[field] = jsonSchemaOf(placeOf(name, field), agent[field], direction);
  }
  return said;
}

function read(name, given) {
  const agent = typeof given === "function" ? { run: given } : given;
  if (typeof agent !== "object" || agent === null) {
    throw new TypeError(`agent "${name}" must be a function, or an object with run`);
  }
  const unknown = Object.keys(agent).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    const known = FIELDS.join(", ");
    throw new TypeError(`agent "${name}" has the field "${unknown}"; an agent has ${known}`);
  }
  if (agent.name !== undefined && agent.name !== name) {
    throw new TypeError(`agent "${name}" calls itself "${agent.name}"; leave name out`);
  }
  for (const field of Object.keys(SCHEMAS)) {
    if (agent[field] !== undefined) checkSchema(placeOf(name, field), agent[field]);
  }
  checkRun(name, agent.run);
  return agent;
}

function checkRun(name, run) {
  if (typeof run !== "function") throw new TypeError(`agent "${name}" has no function run`);
  const kind = Object.prototype.toString.call(run);
  if (kind === "[object Function]") return;
  throw new TypeError(
    `agent "${name}" is an async function or a generator, and agents are synchronous: ` +
      "take async and await away, the host's calls answer at once",
  );
}

const placeOf = (name, field) => `the ${field} of agent "${name}"`;
