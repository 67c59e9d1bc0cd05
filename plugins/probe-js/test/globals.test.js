import assert from "node:assert/strict";
import { test } from "node:test";
import { MockHost } from "../../../sdk/js/src/testing.js";
import { globals } from "../src/globals.js";

const INPUT = { url: "https://a.example/ping" };

test("everything works in node as well", () => {
  const mock = new MockHost().http(INPUT.url, "pong");
  const { works } = mock.run(globals, INPUT).output;
  assert.deepEqual(
    Object.entries(works).filter(([, seen]) => seen !== true),
    [],
  );
  assert.deepEqual(mock.done(), [`http POST ${INPUT.url} {"n":1}`]);
  assert.deepEqual(mock.logs(), ['info from the console {"n":1}']);
});

test("what does not work is said beside what does", () => {
  const { works } = new MockHost().run(globals, INPUT).output;
  assert.match(works.fetch, /^Failure: http .* is denied/);
  assert.equal(works.URL, true);
});
