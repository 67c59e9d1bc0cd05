import assert from "node:assert/strict";
import { test } from "node:test";
import { makeHost } from "../src/host.js";
import { verify } from "../src/verify.js";
import { searchIn } from "./folder.js";

const FILES = { "src/main.rs": "fn main() {}\n// counts 9 whales\n", "README.md": "9 whales\n" };
const CLAIM = { id: "c1", line: 3, text: "It has nine whales.", kind: "name", subjects: ["nine"] };

const says = (words) => ({ role: "assistant", parts: [{ tag: "text", val: words }] });
const wants = (...queries) => ({
  role: "assistant",
  parts: queries.map((query, at) => ({
    tag: "tool-call",
    val: { id: `t${at}`, name: "search", arguments: JSON.stringify(query) },
  })),
});
const verdict = (verdict, evidence, why = "so it is") =>
  says(JSON.stringify({ verdict, evidence, why }));

/** Verifies with a model that plays the messages in order, and keeps what it was asked. */
function asked(messages, claim = CLAIM, config = { model: "fast" }) {
  const requests = [];
  const script = [...messages];
  const complete = ([request]) => {
    requests.push({ ...request, messages: [...request.messages] });
    const next = script.shift();
    return [next?.tag === "err" ? next : { tag: "ok", val: { message: next } }];
  };
  const search = searchIn(FILES);
  const call = (tools) =>
    search(tools.map(({ input }) => JSON.parse(input).query)).map((result) => ({
      tag: "ok",
      val: JSON.stringify(result),
    }));
  const host = makeHost({ list: () => [{ name: "search" }], call, complete });
  const result = verify({ claim, folder: { files: [] } }, config, host);
  return { requests, result, left: script.length };
}

test("a model searches and shows what it found", () => {
  const { requests, result } = asked([
    wants({ kind: "regex", text: "\\d+ whales", files: "*.rs" }, { kind: "path", text: "main.rs" }),
    verdict("proven", [1]),
  ]);
  assert.deepEqual(result, {
    id: "c1",
    verdict: "proven",
    evidence: [{ file: "src/main.rs", line: 2, text: "// counts 9 whales" }],
    why: "so it is",
    looks: 3,
    by: "model",
  });
  const [, , , results] = requests[1].messages;
  assert.equal(results.role, "tool");
  assert.deepEqual(JSON.parse(results.parts[0].val.content).hits, [
    { number: 1, file: "src/main.rs", line: 2, text: "// counts 9 whales" },
  ]);
  assert.equal(results.parts[1].val.id, "t1");
});

test("what rules proved is not asked", () => {
  const claim = { kind: "name", subjects: ["main()", "main"] };
  const { requests, result } = asked([], claim);
  assert.equal(requests.length, 0);
  assert.equal(result.verdict, "proven");
  assert.equal(result.by, "rules");
});

test("without a model nobody is asked, and the input's model wins", () => {
  assert.equal(asked([], CLAIM, {}).requests.length, 0);
  const host = makeHost({
    list: () => [{ name: "search" }],
    call: (requests) => requests.map(() => ({ tag: "ok", val: '{"hits":[]}' })),
    complete: ([{ model }]) => [{ tag: "ok", val: { message: verdict("unknown", [], model) } }],
  });
  const input = { claim: CLAIM, folder: { files: [] }, model: "mine" };
  assert.equal(verify(input, { model: "fast" }, host).why, "mine");
});

test("what a model does not show does not count", () => {
  const rules = "no code knows nine";
  for (const [messages, why] of [
    [[verdict("proven", [])], `${rules} (the model says proven and shows nothing)`],
    [[verdict("proven", [7, "x", null])], `${rules} (the model says proven and shows nothing)`],
    [[says("I think so.")], `${rules} (the model's answer could not be read)`],
    [[verdict("maybe", [1])], `${rules} (the model's answer could not be read)`],
  ]) {
    const { result } = asked(messages);
    assert.equal(result.verdict, "contradicted");
    assert.equal(result.why, why);
    assert.equal(result.by, "rules");
  }
});

test("that nothing is there needs a search that found nothing", () => {
  const hasty = asked([verdict("contradicted", [])]).result;
  assert.equal(hasty.verdict, "unknown");
  const { result } = asked([
    wants({ kind: "word", text: "sharks" }),
    verdict("contradicted", [], "there are no sharks"),
  ]);
  assert.equal(result.verdict, "contradicted");
  assert.equal(result.why, "there are no sharks");
});

test("an answer in a fence is read", () => {
  const { result } = asked([
    wants({ kind: "word", text: "whales" }),
    says('Here:\n```json\n{"verdict":"proven","evidence":[1],"why":"x"}\n```'),
  ]);
  assert.equal(result.verdict, "proven");
});

test("a model that fails leaves what the rules said", () => {
  const busy = { tag: "err", val: { tag: "upstream", val: { code: "busy", message: "later" } } };
  const { result } = asked([busy]);
  assert.equal(result.verdict, "contradicted");
  assert.equal(result.why, "no code knows nine (the model did not answer: busy: later)");
});

test("a model that is denied or not there ends the task", () => {
  for (const tag of ["denied", "invalid-input"]) {
    const refusal = { tag: "err", val: { tag, val: { hint: "grant it" } } };
    assert.throws(
      () => asked([refusal]),
      ({ payload }) => payload.tag === tag && payload.val.hint === "grant it",
    );
  }
});

test("turns and searches are bounded, and before the last turn it is told", () => {
  const many = wants(...Array.from({ length: 9 }, () => ({ kind: "word", text: "whales" })));
  const { requests, result, left } = asked([many, many, many, many, many]);
  assert.equal(requests.length, 4);
  assert.equal(left, 1);
  assert.deepEqual(
    requests.map(({ tools }) => tools.length),
    [1, 1, 1, 1],
  );
  assert.match(requests[3].messages.at(-1).parts[0].val, /^Search no more/);
  assert.equal(result.looks, 2 + 3);
  assert.equal(result.why, "no code knows nine (the model's answer could not be read)");
  const { parts } = requests[1].messages[3];
  assert.equal(parts.length, 9);
  assert.equal(parts.filter(({ val }) => val.isError).length, 5);
});

test("a search that cannot be read is told to the model", () => {
  for (const query of [{ kind: "sql", text: "x" }, { kind: "word" }, { kind: "word", text: " " }]) {
    const { requests } = asked([wants(query), verdict("unknown", [])]);
    assert.equal(requests[1].messages[3].parts[0].val.isError, true);
  }
  const broken = {
    role: "assistant",
    parts: [{ tag: "tool-call", val: { id: "t", name: "search", arguments: "{" } }],
  };
  assert.equal(asked([broken, verdict("unknown", [])]).result.verdict, "unknown");
});
