// The order of the effects, which the plugins in the other languages share.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MockHost } from "../../../sdk/js/src/testing.js";
import { exactlyOnce } from "../src/exactly-once.js";

const INPUT = { model: "m", url: "http://server.example/post" };
const FIVE = [1, 2, 3, 4, 5];

/** A host that answers everything. */
function scripted() {
  const mock = new MockHost().ask("yes").ask({ no: 1 });
  for (const n of FIVE) mock.llm(`a${n}`).http(INPUT.url, { status: 201, body: `b${n}` });
  return mock;
}

test("effects come in their order and each question holds the answer before", () => {
  const mock = scripted();
  mock.run(exactlyOnce, INPUT);
  assert.deepEqual(mock.done(), [
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
  assert.deepEqual(scripted().run(exactlyOnce, INPUT).output, {
    answers: FIVE.map((n) => `a${n}`),
    posts: FIVE.map((n) => ({ status: 201, body: `b${n}` })),
    kv: FIVE.map((n) => ({ key: `k${n}`, version: 1 })),
    said: ["yes", { no: 1 }],
  });
});
