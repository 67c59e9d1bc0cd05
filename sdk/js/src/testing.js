// A host for unit tests, in node: it answers what the test told it, remembers like the real one,
// and denies the rest with the method to call.
//
//   const mock = new MockHost().llm("fine").http("https://api.example.com/", { json: { n: 1 } });
//   assert.deepEqual(mock.run(agent, { text: "hi" }).output, { … });
//   assert.deepEqual(mock.done(), ["llm fast hi", "http GET https://api.example.com/"]);

import { MAIN, agentsOf, readAgent } from "./agents.js";
import { fromWire as blobFromWire } from "./blobs.js";
import { makeCtx } from "./ctx.js";
import { Failure } from "./failure.js";
import { Host } from "./host.js";
import { serve } from "./serve.js";
import { toResponse } from "./testing/answers.js";
import { interfacesOf } from "./testing/interfaces.js";
import { Memory } from "./testing/memory.js";
import { pretending } from "./testing/pretend.js";
import { Script } from "./testing/script.js";
import { Store } from "./testing/store.js";
import { encode } from "./utf8.js";
import { toJson } from "./values.js";

/** 2026-01-01T00:00:00Z: a test must not depend on the day. */
const FIRST_MS = 1_767_225_600_000;

const CALL = {
  task: "task_mock",
  run: "run_mock",
  thread: "thread_mock",
  workflow: "mock@0.0.0",
  node: "mock",
  step: 1,
  attempt: 1,
  timeoutMs: 60_000,
  extra: "{}",
};

export class MockHost {
  #config = {};
  #context = {};
  #world = { script: new Script(), store: new Store(), secrets: new Map(), now: FIRST_MS };

  constructor() {
    const memory = new Memory(() => this.#world.now);
    Object.assign(this.#world, { memory, done: [], logs: [], events: [] });
  }

  /** The node's configuration. */
  config(json) {
    this.#config = json;
    return this;
  }

  /** What whoever started the run handed in. */
  context(json) {
    this.#context = json;
    return this;
  }

  /** Answers the next question to a model: a text, `{ text, toolCalls, … }`, JSON or a Failure. */
  llm(answer) {
    return this.#answer("llm", "*", answer);
  }

  /** Answers the next request to the URL, which may end in `*`. */
  http(url, response) {
    return this.#answer("http", url, toResponse(response));
  }

  /** Answers the next call of the tool, which is listed until then. */
  tool(name, answer) {
    return this.#answer("tool", name, answer);
  }

  /** Answers the next question to a person. */
  ask(answer) {
    return this.#answer("ask", "*", answer);
  }

  /** Writes into the memory. */
  kv(scope, key, value) {
    this.#world.memory.set(scope, key, toJson("the value", value));
    return this;
  }

  /** What stands in the memory, or undefined. */
  stored(scope, key) {
    const entry = this.#world.memory.get(scope, key);
    return entry === undefined ? undefined : JSON.parse(entry.value);
  }

  /** Has a secret that may be held and revealed. */
  secret(name, value) {
    this.#world.secrets.set(name, value);
    return this;
  }

  /** Keeps a blob; the reference to put into an input. */
  blob(mediaType, content) {
    const bytes = typeof content === "string" ? encode(content) : content;
    return blobFromWire(this.#world.store.put(mediaType, [bytes]));
  }

  /**
   * Denies what is scripted or free: `llm`, `llm:fast`, `kv:run`, `http:api.example.com`, `blobs`.
   * `kv:run:rw` is writing alone.
   */
  deny(capability) {
    this.#world.script.deny(capability);
    return this;
  }

  /** Sets the clock, which stands still but for what the agent sleeps. */
  clockMs(ms) {
    this.#world.now = ms;
    return this;
  }

  /**
   * Calls the agent: what `defineAgent` gave, or what it takes. `{ output, exits }`, or the Failure
   * is thrown. `agent` in the third argument names one of several; other fields are the call's.
   */
  run(agent, input = {}, { agent: name, ...call } = {}) {
    const agents = agentsOf(agent) ?? readAgent(agent);
    const asked = {
      ...this.#call(name ?? onlyOf(agents)),
      ...call,
      input: toJson("the input", input),
    };
    return pretending(
      () => this.#world.now,
      () => replyOf(() => serve(agents, asked, this.#host())),
    );
  }

  /** A context for code that is called by itself; `globalThis` stays node's. */
  ctx() {
    return makeCtx(this.#call(MAIN), this.#host());
  }

  /** What the agent did, a line each, such as `ask Publish?` or `sleep 250`. */
  done() {
    return [...this.#world.done];
  }

  /** Log lines, those of `console` too, such as `info counting words=3`. */
  logs() {
    return [...this.#world.logs];
  }

  /** What was emitted: pairs of a topic and its payload. */
  events() {
    return [...this.#world.events];
  }

  #call(agent) {
    const config = toJson("the configuration", this.#config);
    return { ...CALL, agent, config, context: toJson("the context", this.#context) };
  }

  #host() {
    return new Host(interfacesOf(this.#world));
  }

  #answer(capability, resource, answer) {
    this.#world.script.add(capability, resource, answer);
    return this;
  }
}

function onlyOf(agents) {
  const names = Object.keys(agents);
  return names.length === 1 ? names[0] : MAIN;
}

function replyOf(run) {
  try {
    const { output, goto } = run();
    return { output: JSON.parse(output), exits: goto.map(exitOf) };
  } catch (payload) {
    throw Failure.of(payload);
  }
}

const exitOf = ({ tag, val }) =>
  tag === "name" ? val : { name: val.name, input: JSON.parse(val.input) };
