import assert from "node:assert/strict";
import { test } from "node:test";
import { countWords } from "../src/words.js";

test("words are counted", () => {
  assert.deepEqual(countWords("a b a", false), [["a", 2], ["b", 1]]);
});
