import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.js";

test("it greets by name", () => {
  const host = new MockHost();
  assert.deepEqual(host.run(agent, { name: "Ada" }).output, { greeting: "Hello, Ada!" });
  assert.deepEqual(host.done(), []);
});

test("it refuses a name that is empty", () => {
  assert.throws(() => new MockHost().run(agent, { name: "" }), { code: "no_name" });
});
