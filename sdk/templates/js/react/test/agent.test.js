import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.js";

const asked = { question: "What is an agent?", model: "fast" };
const calling = { toolCalls: [{ id: "1", name: "glossary", arguments: { word: "agent" } }] };
const main = { agent: "main" };

test("it calls a tool and then answers", () => {
  const host = new MockHost().llm(calling).llm("A plugin.").tool("glossary", { meaning: "…" });
  assert.deepEqual(host.run(agent, asked, main).output, { answer: "A plugin.", turns: 2 });
  assert.ok(host.done().includes("tool glossary"));
});

test("it answers in its last turn, whatever the model wants", () => {
  const host = new MockHost().config({ turns_max: 1 }).llm(calling).tool("glossary", {});
  assert.equal(host.run(agent, asked, main).output.turns, 1);
});

test("the glossary knows a word whatever its case", () => {
  const meaning = (word) => new MockHost().run(agent, { word }, { agent: "lookup" }).output.meaning;
  assert.match(meaning("Agent"), /plugin/);
  assert.equal(meaning("xyzzy"), null);
});
