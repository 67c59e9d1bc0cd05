import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../src/utf8.js";

test("bytes are those of TextEncoder and come back as they were", () => {
  const long = "aé€😀".repeat(5000);
  for (const text of ["", "plain", "é", "€", "😀", "\u0000\u007f\u0080\u07ff\u0800\uffff", long]) {
    assert.deepEqual(encode(text), new TextEncoder().encode(text));
    assert.equal(decode(encode(text)), text);
  }
});

test("a lone surrogate is replaced", () => {
  assert.deepEqual(encode("a\ud800b"), new TextEncoder().encode("a\ud800b"));
});

test("what is no UTF-8 is refused", () => {
  const wrong = [
    [0x80],
    [0xc3],
    [0xc0, 0x80],
    [0xe2, 0x82],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
  ];
  for (const bytes of wrong) {
    assert.throws(() => decode(new Uint8Array(bytes)), /no UTF-8/, bytes.join(" "));
  }
});
