import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.ts";

const input = { text: "A long text.", model: "fast" };

test("it gives back what the model says", () => {
  const host = new MockHost().llm(" It is short.\n");
  assert.deepEqual(host.run(agent, input).output, { summary: "It is short." });
  assert.deepEqual(host.done(), ["llm fast A long text."]);
});

test("without the grant it is denied", () => {
  assert.throws(() => new MockHost().deny("llm").run(agent, input), { tag: "denied" });
});
