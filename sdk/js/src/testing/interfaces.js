// The interfaces of the contract over a script: what the engine's bindings are in a sandbox.

import { seeded } from "../random.js";
import { toJson } from "../values.js";
import { lastText, sent, toCompletion } from "./answers.js";
import { WRITES } from "./script.js";

/** A need that ends so reads alone. */
const READS = ":ro";

/** All that a plugin can import. What was done is noted in `world.done`. */
export function interfacesOf(world) {
  return {
    log: { write: (level, message, fields) => world.logs.push(line(level, message, fields)) },
    events: { emit: (topic, payload) => emit(world, topic, payload) },
    timer: { sleep: (ms) => sleep(world, ms) },
    random: { getRandomBytes: bytesFrom(seeded("mock")) },
    human: { ask: (requests) => requests.map((request) => attempt(() => ask(world, request))) },
    llm: { complete: (requests) => requests.map((one) => attempt(() => complete(world, one))) },
    http: { fetch: (requests) => requests.map((one) => attempt(() => fetch(world, one))) },
    tools: {
      list: () => tools(world),
      call: (requests) => requests.map((one) => attempt(() => callTool(world, one))),
    },
    kv: kv(world),
    blobs: blobs(world),
    secrets: { get: (name) => secret(world, name) },
  };
}

/** A result as it stands in a list. */
function attempt(run) {
  try {
    return { tag: "ok", val: run() };
  } catch (thrown) {
    if (typeof thrown?.payload?.tag !== "string") throw thrown;
    return { tag: "err", val: thrown.payload };
  }
}

/** `info counting words=3`. */
const line = (level, message, fields) =>
  [level, message, ...fields.map((field) => field.join("="))].join(" ");

const bytesFrom = (next) => (count) => Uint8Array.from({ length: count }, () => next() * 256);

function emit(world, topic, payload) {
  world.done.push(`emit ${topic} ${payload}`);
  world.events.push([topic, JSON.parse(payload)]);
}

function sleep(world, ms) {
  world.done.push(`sleep ${ms}`);
  world.now += ms;
}

function ask({ script, done }, { prompt }) {
  done.push(`ask ${prompt}`);
  script.check("ask", "");
  return toJson("an answer", script.next("ask", "", "ask(answer)"));
}

function complete({ script, done }, request) {
  const { model } = request;
  done.push(`llm ${model} ${lastText(request)}`);
  script.check("llm", model);
  return toCompletion(script.next("llm", model, 'llm("the answer")'), request);
}

function fetch({ script, done }, request) {
  const { url } = request;
  done.push(sent(request));
  script.check("http", url);
  return script.next("http", url, `http("${url}", { status: 200, body: "…" })`);
}

function callTool({ script, done }, { name }) {
  done.push(`tool ${name}`);
  script.check("tool", name);
  return toJson("an answer", script.next("tool", name, `tool("${name}", answer)`));
}

function tools({ script, done }) {
  done.push("tools");
  script.check("tool", "*");
  return script.resources("tool").map((name) => ({
    name,
    description: "",
    inputSchema: "{}",
    outputSchema: "{}",
  }));
}

function kv({ script, done, memory }) {
  const noted =
    (method, how, run) =>
    (scope, key, ...values) => {
      const value = method === "set" ? values[0] : method === "swap" ? values[1] : undefined;
      done.push(`kv ${method} ${scope} ${key}${value === undefined ? "" : ` ${value}`}`);
      script.check("kv", `${scope}${how}`);
      return run(scope, key, ...values);
    };
  return {
    get: noted("get", READS, (...asked) => memory.get(...asked)),
    set: noted("set", WRITES, (...asked) => memory.set(...asked)),
    delete: noted("delete", WRITES, (...asked) => memory.delete(...asked)),
    list: noted("list", READS, (...asked) => memory.list(...asked)),
    compareAndSwap: noted("swap", WRITES, (...asked) => memory.swap(...asked)),
  };
}

function blobs({ script, done, store }) {
  return {
    create: (mediaType) => {
      script.check("blobs", mediaType);
      const pieces = [];
      return {
        append: (bytes) => pieces.push(bytes),
        finish: () => {
          const blob = store.put(mediaType, pieces);
          done.push(`blob write ${mediaType} ${blob.size}`);
          return blob;
        },
      };
    },
    read: (blob, offset, length) => {
      done.push(`blob read ${blob.digest} ${offset} ${length}`);
      script.check("blobs", blob.digest);
      return store.read(blob, offset, length);
    },
  };
}

function secret({ script, done, secrets }, name) {
  const hold = `${name}:hold`;
  done.push(`secret ${name}`);
  script.check("secret", hold);
  const value = secrets.get(name) ?? script.next("secret", hold, `secret("${name}", "value")`);
  return {
    reveal: () => {
      done.push(`reveal ${name}`);
      script.check("secret", `${name}:reveal`);
      return value;
    },
  };
}
