import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.ts";

const counted = (text) => new MockHost().run(agent, { text, most: 1 }).output;

test("it names the most frequent word", () => {
  const top = [{ word: "be", count: 2 }];
  assert.deepEqual(counted("To be, or not to be"), { words: 6, top });
});

test("a text without words has none", () => {
  assert.deepEqual(counted("…"), { words: 0, top: [] });
});
