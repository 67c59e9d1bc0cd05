import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.ts";

const reviewed = (answer) => new MockHost().ask(answer).run(agent, { text: "All is well." });

test("it publishes when a person agrees", () => {
  const { output, exits } = reviewed({ publish: true });
  assert.deepEqual({ output, exits }, { output: { published: true, note: "" }, exits: [] });
});

test("it goes another way when a person refuses", () => {
  const { output, exits } = reviewed({ publish: false, note: "too short" });
  assert.equal(output.note, "too short");
  assert.deepEqual(exits, ["rejected"]);
});
