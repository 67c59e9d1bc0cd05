import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "@workflowforge/sdk/testing";
import { agent } from "../src/agent.js";

const url = "https://example.com/";
const fetched = (response) => new MockHost().http(url, response).run(agent, { url }).output;

test("it finds the title of a page", () => {
  const page = "<html><title> Example\n Domain </title></html>";
  assert.deepEqual(fetched(page), { title: "Example Domain" });
  assert.deepEqual(fetched("no page"), { title: "" });
});

test("a page that is not there is the server's failure", () => {
  assert.throws(() => fetched({ status: 404 }), { tag: "upstream", code: "http_404" });
});
