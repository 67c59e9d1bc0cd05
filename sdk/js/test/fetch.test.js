// fetch over the host's HTTP, as an agent calls it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SANDBOX } from "../src/globals.js";
import { Host } from "../src/host.js";
import { serving } from "../src/now.js";
import { MockHost } from "../src/testing.js";
import { Request as OurRequest } from "../src/web/request.js";
import { Response as OurResponse } from "../src/web/response.js";

const URL_A = "https://api.example.com/a";
const NULL = {
  status: 200,
  headers: [],
  body: { tag: "bytes", val: new Uint8Array() },
  extra: "{}",
};

/** Runs as an agent does in a world with these interfaces. */
const inside = (interfaces, run) => serving(new Host(interfaces), run);

/** What an agent sees of a response, and the lines that it left. */
function fetched(mock, ...request) {
  const { output } = mock.run(() => {
    const response = fetch(...request);
    const { status, ok, url, redirected } = response;
    const headers = [...response.headers];
    return { status, ok, url, redirected, headers, text: response.text() };
  });
  return { ...output, done: mock.done() };
}

test("a response is there at once", () => {
  const mock = new MockHost().http(URL_A, { status: 404, headers: { "X-A": "1" }, body: "née" });
  assert.deepEqual(fetched(mock, URL_A), {
    status: 404,
    ok: false,
    url: URL_A,
    redirected: false,
    headers: [["x-a", "1"]],
    text: "née",
    done: [`http GET ${URL_A}`],
  });
});

test("JSON and bytes are read without a promise, and awaiting them gives the same", async () => {
  const mock = new MockHost().http(URL_A, { json: { n: 1 } }).http(URL_A, new Uint8Array([1, 2]));
  const seen = [];
  mock.run(() => {
    seen.push(fetch(URL_A).json(), fetch(new URL(URL_A)).arrayBuffer());
  });
  assert.deepEqual(await seen[0], { n: 1 });
  assert.deepEqual(new Uint8Array(await seen[1]), new Uint8Array([1, 2]));
});

test("method, headers and body go out as they were given", () => {
  const sent = [];
  const http = { fetch: (requests) => [{ tag: "ok", val: (sent.push(...requests), NULL) }] };
  const one = (...request) => {
    SANDBOX.fetch(...request);
    return sent.at(-1);
  };
  inside({ http }, () => {
    const form = new URLSearchParams({ a: "1 2" });
    const { method, headers, body } = one(URL_A, { method: "post", body: form });
    assert.equal(method, "POST");
    assert.deepEqual(headers, [
      ["content-type", "application/x-www-form-urlencoded;charset=UTF-8"],
    ]);
    assert.equal(new TextDecoder().decode(body.val), "a=1+2");
    const request = new OurRequest(URL_A, { method: "PUT", body: "x", headers: { a: "b" } });
    assert.deepEqual(one(request, { timeoutMs: 5 }), {
      method: "PUT",
      url: URL_A,
      headers: [
        ["a", "b"],
        ["content-type", "text/plain;charset=UTF-8"],
      ],
      credentials: [],
      body: { tag: "bytes", val: new Uint8Array([120]) },
      timeoutMs: 5,
      options: "{}",
    });
    assert.equal(one(URL_A).body, undefined);
  });
});

test("a denial is the host's Failure, with its hint", () => {
  assert.throws(() => fetched(new MockHost(), URL_A), {
    tag: "denied",
    message: /http https:\/\/api\.example\.com\/a is denied: nothing is scripted: call http\(/,
  });
});

test("a redirect is an answer like any other, unless it is said to be an error", () => {
  const moved = { status: 302, headers: { location: "/b" } };
  assert.equal(fetched(new MockHost().http(URL_A, moved), URL_A).status, 302);
  assert.throws(() => fetched(new MockHost().http(URL_A, moved), URL_A, { redirect: "error" }), {
    message: /answered with a redirect/,
  });
});

test("a large body is read from its blob where the plugin may, and else says what to write", () => {
  const content = new TextEncoder().encode("x".repeat((1 << 20) + 3));
  const blob = { digest: "sha256:00", size: content.length, mediaType: "", extra: "{}" };
  const answer = { ...NULL, body: { tag: "blob", val: blob } };
  const http = { fetch: () => [{ tag: "ok", val: answer }] };
  const read = (_blob, offset, length) => content.slice(offset, offset + length);
  const text = (interfaces) => inside(interfaces, () => SANDBOX.fetch(URL_A).text());
  assert.equal(text({ http, blobs: { read } }).length, content.length);
  assert.throws(() => text({ http }), { code: "large_body", message: /add "blobs" to build.uses/ });
});

test("nothing is fetched while modules load", () => {
  assert.throws(() => SANDBOX.fetch(URL_A), /fetch is there while an agent runs/);
});

test("a body is read once, and a clone of it once more", () => {
  const response = new OurResponse("text", { status: 201 });
  const copy = response.clone();
  assert.equal(response.text() + copy.text(), "texttext");
  assert.equal(response.bodyUsed, true);
  assert.throws(() => response.json(), TypeError);
  assert.throws(() => response.clone(), TypeError);
  assert.deepEqual(OurResponse.json({ a: 1 }).json(), { a: 1 });
  assert.equal(OurResponse.json(1).headers.get("content-type"), "application/json");
});

test("what no request can be is refused", () => {
  assert.throws(() => new OurRequest("/relative"), TypeError);
  assert.throws(() => new OurRequest(URL_A, { body: "x" }), TypeError);
  assert.throws(() => new OurRequest(URL_A, { method: "a b" }), TypeError);
  assert.throws(() => new OurRequest(URL_A, { method: "POST", body: {} }), TypeError);
  assert.throws(() => new OurResponse("", { status: 99 }), RangeError);
});
