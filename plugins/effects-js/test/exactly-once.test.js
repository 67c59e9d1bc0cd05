// The order of the effects, which the plugins in the other languages share.

import assert from "node:assert/strict";
import { test } from "node:test";
import { exactlyOnce } from "../src/exactly-once.js";

const INPUT = { model: "m", url: "http://server.example/post" };
const FIVE = [1, 2, 3, 4, 5];
const SAID = { "first?": "yes", "second?": { no: 1 } };

/** A context that answers everything, and what it was asked. */
function rehearse() {
  const done = [];
  const count = { llm: 0, http: 0 };
  const note = (line, answer) => {
    done.push(line);
    return answer;
  };
  const ctx = {
    ask: (prompt) => note(`ask ${prompt}`, SAID[prompt]),
    sleep: (ms) => note(`sleep ${ms}`),
    llm: { prompt: (model, text) => note(`llm ${model} ${text}`, `a${(count.llm += 1)}`) },
    http: {
      fetch: ({ method, url, json }) => {
        const body = `b${(count.http += 1)}`;
        const line = `http ${method} ${url} ${JSON.stringify(json)}`;
        return note(line, { status: 201, text: () => body });
      },
    },
    kv: {
      set: (scope, key, value) => note(`kv set ${scope} ${key} ${JSON.stringify(value)}`, 1),
    },
  };
  return { ctx, done };
}

test("effects come in their order and each question holds the answer before", () => {
  const { ctx, done } = rehearse();
  exactlyOnce(INPUT, ctx);
  assert.deepEqual(done, [
    "llm m question 1",
    'http POST http://server.example/post {"n":1,"text":"a1"}',
    'kv set run k1 "a1"',
    "llm m question 2: a1",
    'http POST http://server.example/post {"n":2,"text":"a2"}',
    'kv set run k2 "a2"',
    "ask first?",
    "llm m question 3: a2",
    'http POST http://server.example/post {"n":3,"text":"a3"}',
    'kv set run k3 "a3"',
    "sleep 50",
    "llm m question 4: a3",
    'http POST http://server.example/post {"n":4,"text":"a4"}',
    'kv set run k4 "a4"',
    "ask second?",
    "llm m question 5: a4",
    'http POST http://server.example/post {"n":5,"text":"a5"}',
    'kv set run k5 "a5"',
  ]);
});

test("everything that was seen is the output", () => {
  assert.deepEqual(exactlyOnce(INPUT, rehearse().ctx), {
    answers: FIVE.map((n) => `a${n}`),
    posts: FIVE.map((n) => ({ status: 201, body: `b${n}` })),
    kv: FIVE.map((n) => ({ key: `k${n}`, version: 1 })),
    said: ["yes", { no: 1 }],
  });
});
