// The way to the host: the interfaces of the plugin's world, by their names in the contract.
//
// What passes here has the contract's shape, as the engine's bindings write it; the modules of the
// capabilities turn an author's values into it and back.

import { Failure, denied, failed } from "./failure.js";

/** What to write in plugin.toml for an interface, as an example. */
const NEEDS = {
  http: "http:https://api.example.com",
  human: "ask",
  kv: "kv:run",
  llm: "llm:fast",
  secrets: "secret:name:hold",
  tools: "tool:name",
};

export class Host {
  constructor(interfaces) {
    this.interfaces = interfaces;
  }

  /** Whether the plugin's world has an interface. */
  has(name) {
    return this.interfaces[name] !== undefined;
  }

  /** Calls a function of an interface. Whatever the host fails with is thrown as a Failure. */
  call(name, method, ...values) {
    const found = this.interfaces[name];
    if (found === undefined) throw missing(name);
    return guarded(() => found[method](...values));
  }

  /** Calls a function that takes a list: its answers, each read, or a Failure in its place. */
  callAll(name, method, requests, read) {
    const answers = this.call(name, method, requests);
    return answers.map(({ tag, val }) => (tag === "ok" ? read(val) : Failure.of(val)));
  }
}

/** Runs a call of the host's. Methods of its resources need it as well. */
export function guarded(run) {
  try {
    return run();
  } catch (thrown) {
    if (typeof thrown?.payload?.tag === "string") throw Failure.of(thrown.payload);
    throw thrown;
  }
}

/** The answer to the only request of a list, thrown where it is a Failure. */
export function only(answers) {
  const [answer] = answers;
  if (answer instanceof Failure) throw answer;
  if (answers.length === 1) return answer;
  throw failed("no_answer", `the host gave ${answers.length} answers to one request`);
}

/** Said as the host says a denial: by the need's kind. */
function missing(name) {
  if (name === "random") return failed("no_random", "the plugin's world has no wasi:random");
  const need = NEEDS[name];
  if (need === undefined) return denied(name, "*", `add "${name}" to build.uses in plugin.toml`);
  const hint = `add [[needs]] with capability = "${need}" or the like, and a reason, to plugin.toml`;
  return denied(need.split(":")[0], "*", hint);
}
