import assert from "node:assert/strict";
import { test } from "node:test";
import { makeHost } from "../src/host.js";
import { verify } from "../src/verify.js";

const FOLDER = { files: [{ path: "a.rs", blob: { $blob: "sha256:00", size: 1 } }] };
const failed = (code, message) => Object.assign(new Error(message), { code });
const ok = (hits, truncated = false) => ({ tag: "ok", val: JSON.stringify({ hits, truncated }) });
const failure = (tag, val) => ({ tag: "err", val: { tag, val } });

/** A host whose tool is called `names`, and that answers each request with `answer`. */
function host(names, answer, calls = []) {
  const call = (requests) => {
    calls.push(requests);
    return requests.map(answer);
  };
  return makeHost({ list: () => names.map((name) => ({ name })), call, failed });
}

test("the tool is found by the end of its name, ours first", () => {
  const used = (names) => {
    const calls = [];
    host(names, () => ok([]), calls).searcher(FOLDER)([{ kind: "path", text: "x" }]);
    return calls[0][0].name;
  };
  assert.equal(used(["wforge__search"]), "wforge__search");
  assert.equal(
    used(["research", "acme__search", "wforge__search__search"]),
    "wforge__search__search",
  );
  assert.equal(used(["mcp__files__search"]), "mcp__files__search");
  assert.throws(() => used(["research", "fetch"]), { code: "no_search_tool" });
});

test("a workflow can name the tool", () => {
  const calls = [];
  host([], () => ok([]), calls).searcher(FOLDER, "mine")([{ kind: "path", text: "x" }]);
  assert.equal(calls[0][0].name, "mine");
});

test("several queries are one call, and each carries the folder", () => {
  const calls = [];
  const search = host(["search"], () => ok([]), calls).searcher(FOLDER);
  search([
    { kind: "path", text: "x" },
    { kind: "word", text: "y" },
  ]);
  assert.equal(calls.length, 1);
  assert.deepEqual(
    calls[0].map(({ input }) => JSON.parse(input)),
    ["path", "word"].map((kind) => ({
      folder: FOLDER,
      max: 20,
      query: { kind, text: kind === "path" ? "x" : "y" },
    })),
  );
});

test("a large folder is sent in smaller calls", () => {
  const calls = [];
  const files = [{ path: "x".repeat(2_500_000), blob: {} }];
  const queries = Array.from({ length: 5 }, () => ({ kind: "path", text: "x" }));
  const results = host(["search"], () => ok([]), calls).searcher({ files })(queries);
  assert.equal(results.length, 5);
  assert.deepEqual(
    calls.map(({ length }) => length),
    [2, 2, 1],
  );
});

test("a search that failed is no absence, and is said", () => {
  const answer = () => failure("upstream", { code: "busy", message: "try later" });
  const { verdict, why } = verify(
    { claim: { kind: "link", subjects: ["lost.md"] }, folder: FOLDER },
    {},
    host(["search"], answer),
  );
  assert.equal(verdict, "unknown");
  assert.equal(
    why,
    "there is no lost.md, but not all of the folder could be searched (a search failed: busy: try later)",
  );
});

test("a denial ends the task, so that an operator sees what to grant", () => {
  const denial = { capability: "tool", resource: "search", hint: "grant it" };
  const search = host(["search"], () => failure("denied", denial)).searcher(FOLDER);
  assert.throws(
    () => search([{ kind: "path", text: "x" }]),
    ({ payload }) => payload.tag === "denied" && payload.val.hint === "grant it",
  );
});
