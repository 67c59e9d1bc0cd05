// What an agent may do beside computing: read its call, log, and ask the host.

import { blobs } from "./blobs.js";
import { invalidInput } from "./failure.js";
import { http } from "./http.js";
import { human } from "./human.js";
import { kv } from "./kv.js";
import { llm } from "./llm.js";
import { Secret } from "./secrets.js";
import { tools } from "./tools.js";
import { oneOf, string, toJson, unsigned } from "./values.js";

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** The call without its input, its JSON parsed, and the capabilities of the host. */
export function makeCtx(call, host) {
  const { agent, task, run, thread, workflow, node, step, attempt, timeoutMs } = call;
  return {
    call: { agent, task, run, thread, workflow, node, step, attempt, timeoutMs },
    config: parse("configuration", call.config) ?? {},
    context: parse("context", call.context) ?? {},
    /** Writes a log line with fields. */
    log: (level, message, fields = {}) => {
      const pairs = Object.entries(fields).map(([name, value]) => [name, String(value)]);
      const line = [oneOf("the level", level, LEVELS), string("the message", message), pairs];
      host.call("log", "write", ...line);
    },
    /** Publishes progress under a topic of the run's event stream. */
    emit: (topic, payload) =>
      host.call("events", "emit", string("the topic", topic), toJson("the payload", payload)),
    /** Waits; the sandbox is gone meanwhile, and the function runs from its top again. */
    sleep: (ms) => host.call("timer", "sleep", unsigned("ms", ms)),
    /** Takes hold of a secret, for `credentials` or to `reveal()`. */
    secret: (name) => {
      const handle = host.call("secrets", "get", string("the secret's name", name));
      return new Secret(handle);
    },
    ...human(host),
    blobs: blobs(host),
    http: http(host),
    kv: kv(host),
    llm: llm(host),
    tools: tools(host),
  };
}

/** JSON that the caller handed in. */
export function parse(what, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidInput("invalid_json", `the ${what} is no JSON: ${error.message}`);
  }
}
