// What QuickJS lacks, beside what node has of the same name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { install } from "../src/globals.js";
import { atob as ourAtob, btoa as ourBtoa } from "../src/web/base64.js";
import { makeCrypto } from "../src/web/crypto.js";
import { Headers as OurHeaders } from "../src/web/headers.js";
import { structuredClone as ourClone } from "../src/web/structured-clone.js";
import { TextDecoder as OurDecoder, TextEncoder as OurEncoder } from "../src/web/text.js";
import { URL as OurUrl, URLSearchParams as OurParams } from "../src/web/url.js";

/** What a function gives or the name of what it throws. */
function outcome(run) {
  try {
    return run();
  } catch ({ name }) {
    return `throws ${name}`;
  }
}
const same = (ours, theirs, what) => assert.deepEqual(outcome(ours), outcome(theirs), what);
const bytes = (...values) => new Uint8Array(values);

test("only what is missing is installed, and none of it shows in a loop", () => {
  const kept = () => "kept";
  const target = { fetch: kept };
  install(target);
  assert.equal(target.fetch, kept);
  assert.equal(target.atob("aGk="), "hi");
  assert.deepEqual(Object.keys(target), ["fetch"]);
  assert.equal(typeof target.crypto.randomUUID, "function");
});

const MALFORMED = [
  [0x80],
  [0x61, 0xc3],
  [0xc0, 0x80, 0x62],
  [0xe2, 0x82, 0x41],
  [0xe0, 0x80, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff, 0xfe],
];

test("bytes that are no UTF-8 become the same replacements as in node", () => {
  for (const values of MALFORMED) {
    const given = bytes(...values);
    same(
      () => new OurDecoder().decode(given),
      () => new TextDecoder().decode(given),
    );
    same(
      () => new OurDecoder("utf-8", { fatal: true }).decode(given),
      () => new TextDecoder("utf-8", { fatal: true }).decode(given),
    );
  }
});

test("a text in pieces is decoded as in one, and a mark at its beginning is taken away", () => {
  const given = new TextEncoder().encode("\ufeffaé€😀\ufeff");
  for (let cut = 0; cut <= given.length; cut += 1) {
    const decoder = new OurDecoder();
    const first = decoder.decode(given.slice(0, cut), { stream: true });
    assert.equal(first + decoder.decode(given.slice(cut)), "aé€😀\ufeff", `cut at ${cut}`);
  }
  assert.equal(new OurDecoder("utf-8", { ignoreBOM: true }).decode(given), "\ufeffaé€😀\ufeff");
  const twice = new OurDecoder();
  assert.equal(twice.decode(given) + twice.decode(given.buffer), "aé€😀\ufeffaé€😀\ufeff");
});

test("an encoder fills what room there is with whole characters", () => {
  for (const size of [0, 1, 3, 4, 9, 20]) {
    const [ours, theirs] = [new Uint8Array(size), new Uint8Array(size)];
    const text = "aé€😀\ud800";
    assert.deepEqual(
      new OurEncoder().encodeInto(text, ours),
      new TextEncoder().encodeInto(text, theirs),
    );
    assert.deepEqual(ours, theirs);
  }
  assert.throws(() => new OurDecoder("utf-16"), RangeError);
});

test("base64 is that of node, and so is what it refuses", () => {
  const texts = ["", "f", "fo", "foo", "\u0000\u00ff\u0080", "é", "€"];
  for (const text of texts) {
    same(
      () => ourBtoa(text),
      () => btoa(text),
      text,
    );
  }
  const encoded = [
    "",
    "Zg==",
    "Zg=",
    "Zg",
    "Zm9v",
    " Zm 9v\n",
    "Z",
    "Zm9v=",
    "Zg===",
    "Z*==",
    "//+=",
  ];
  for (const text of encoded) {
    same(
      () => ourAtob(text),
      () => atob(text),
      text,
    );
  }
});

test("a clone is deep, keeps what is shared and holds itself where the value does", () => {
  const buffer = new ArrayBuffer(8);
  const shared = { a: 1 };
  const value = {
    plain: [1, , "x", null, undefined, 5n, NaN],
    dates: [new Date(5), /a+/giu],
    map: new Map([[shared, new Set([shared])]]),
    views: [new Uint16Array(buffer, 2, 2), new DataView(buffer, 1)],
    boxed: [Object(1), Object("s"), Object(true)],
    shared,
    ["__proto__"]: "own",
  };
  value.self = value;
  const copy = ourClone(value);
  assert.deepEqual(copy, structuredClone(value));
  assert.notEqual(copy.shared, shared);
  assert.equal(copy.self, copy);
  assert.equal([...copy.map.keys()][0], copy.shared);
  assert.equal(copy.views[0].buffer, copy.views[1].buffer);
});

test("a clone of an error is one of its kind, with its cause", () => {
  const error = new TypeError("no", { cause: { code: 1 } });
  const copy = ourClone({ error }).error;
  assert.ok(copy instanceof TypeError);
  assert.deepEqual([copy.message, copy.stack], [error.message, error.stack]);
  assert.deepEqual(copy.cause, { code: 1 });
  assert.notEqual(copy.cause, error.cause);
});

test("an instance of a class becomes a plain object, and what cannot be cloned is refused", () => {
  class Point {
    x = 1;
    get y() {
      return 2;
    }
  }
  assert.deepEqual(ourClone(new Point()), { x: 1 });
  for (const value of [() => 1, Symbol("s"), { deep: [Promise.resolve()] }, new WeakMap()]) {
    same(
      () => ourClone(value),
      () => structuredClone(value),
      String(value),
    );
  }
  assert.equal(
    outcome(() => ourClone(1, { transfer: [new ArrayBuffer(1)] })),
    "throws DataCloneError",
  );
});

test("random bytes fill the view that was given, as the host gives them", () => {
  let next = 0;
  const asked = [];
  const { getRandomValues, randomUUID } = makeCrypto((count) => {
    asked.push(count);
    return Uint8Array.from({ length: count }, () => (next += 1));
  });
  const buffer = new ArrayBuffer(8);
  const view = new Uint16Array(buffer, 2, 2);
  assert.equal(getRandomValues(view), view);
  assert.deepEqual(new Uint8Array(buffer), bytes(0, 0, 1, 2, 3, 4, 0, 0));
  assert.equal(randomUUID(), "05060708-090a-4b0c-8d0e-0f1011121314");
  assert.deepEqual(asked, [4, 16]);
  for (const wrong of [[1], new Float64Array(1), new DataView(buffer), new Uint8Array(65537)]) {
    same(
      () => getRandomValues(wrong),
      () => crypto.getRandomValues(wrong),
    );
  }
});

test("headers are those of node", () => {
  const inits = [
    { "Content-Type": " text/plain\t", b: "2" },
    [
      ["b", "1"],
      ["B", "2"],
      ["a", ""],
    ],
    [
      ["set-cookie", "a=1, b"],
      ["set-cookie", "c=2"],
    ],
    { "no name": "x" },
    { a: "line\nbreak" },
    [["alone"]],
  ];
  for (const init of inits) {
    const seen = (Made) => () => {
      const headers = new Made(init);
      headers.append("b", "3");
      headers.set("c", 4);
      headers.delete("A");
      const cookies = headers.getSetCookie();
      return [[...headers], headers.get("B"), headers.get("x"), headers.has("C"), cookies];
    };
    same(seen(OurHeaders), seen(Headers), JSON.stringify(init));
  }
  assert.deepEqual([...new OurHeaders(new OurHeaders({ a: "1" })).keys()], ["a"]);
});

const ADDRESSES = [
  "https://user:pa%20ss@EXAMPLE.com:443/a/./b/../c?x=1&y=a+b#frag",
  "http://example.com:8080",
  "http://0x7f.1/",
  "http://[2001:DB8::1]:80/",
  "https://example.com/ü?q=€ 'x'",
  "file:///C|/a/../b",
  "data:text/plain,hi there",
  "mailto:a@example.com",
  "ws://example.com/%7Ea",
  "https://xn--bcher-kva.example/",
  "http://1.2.3.256/",
  "http://a b/",
  "https://exa%6Dple.com/",
  "//no-scheme",
  "https:/\\example.com\\a",
  "javascript:alert(1)",
  "http://example.com:99999/",
  "",
];
const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port"];

test("addresses are read as node reads them", () => {
  for (const address of ADDRESSES) {
    const seen = (Made) => () => {
      const url = new Made(address);
      const more = [url.pathname, url.search, url.hash, [...url.searchParams], JSON.stringify(url)];
      return [...PARTS.map((part) => url[part]), ...more];
    };
    same(seen(OurUrl), seen(URL), address);
    assert.equal(OurUrl.canParse(address), URL.canParse(address), address);
  }
});

test("addresses are relative to a base, and change as node's do", () => {
  for (const relative of ["../x?y", "/abs", "//other.example/z", "?q", "#f", "", "a:b", "./a//b"]) {
    const seen = (Made) => () => new Made(relative, "https://example.com/one/two/three?q#f").href;
    same(seen(OurUrl), seen(URL), relative);
  }
  const changed = (Made) => () => {
    const url = new Made("https://example.com/a?b=1");
    url.searchParams.append("c", "d e&f");
    url.searchParams.delete("b");
    Object.assign(url, { port: "8443", protocol: "http", pathname: "x y", hash: "h" });
    return url.href;
  };
  same(changed(OurUrl), changed(URL));
});

test("a host that is not ASCII is refused rather than read half", () => {
  assert.throws(() => new OurUrl("https://bücher.example/"), TypeError);
  assert.equal(OurUrl.canParse("https://bücher.example/"), false);
});

test("search parameters are those of node", () => {
  const inits = ["?a=1&b=%20+&a=2&=&c", { a: "1", b: "ü&" }, [["k", "v"]], "", [["alone"]]];
  for (const init of inits) {
    const seen = (Made) => () => {
      const params = new Made(init);
      params.set("z", "0");
      params.sort();
      return [String(params), [...params], params.getAll("a"), params.get("b"), params.has("q")];
    };
    same(seen(OurParams), seen(URLSearchParams), JSON.stringify(init));
  }
});
