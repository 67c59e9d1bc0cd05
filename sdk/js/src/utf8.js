// UTF-8, which QuickJS has no TextEncoder and TextDecoder for.

import { failed } from "./failure.js";

/** Code points that become text at once: an engine takes only so many arguments. */
const POINTS_MAX = 4096;

/** The bytes of a string. A lone surrogate becomes U+FFFD, as TextEncoder does it. */
export function encode(text) {
  // No UTF-16 unit takes more than three bytes.
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (const character of text) {
    const point = character.codePointAt(0);
    for (const byte of bytesOf(point >= 0xd800 && point <= 0xdfff ? 0xfffd : point)) {
      bytes[at] = byte;
      at += 1;
    }
  }
  return bytes.slice(0, at);
}

/** The string of bytes. Throws where they are no UTF-8. */
export function decode(bytes) {
  let text = "";
  let points = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizeOf(bytes[at]);
    points.push(pointOf(bytes, at, size));
    at += size;
    if (points.length === POINTS_MAX || at >= bytes.length) {
      text += String.fromCodePoint(...points);
      points = [];
    }
  }
  return text;
}

function bytesOf(point) {
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), tail(point)];
  if (point < 0x10000) return [0xe0 | (point >> 12), tail(point >> 6), tail(point)];
  return [0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point)];
}

const tail = (bits) => 0x80 | (bits & 0x3f);

function sizeOf(first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf5) return 4;
  throw notText();
}

const FIRST_BITS = [0, 0x7f, 0x1f, 0x0f, 0x07];
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000];

function pointOf(bytes, at, size) {
  let point = bytes[at] & FIRST_BITS[size];
  for (let next = at + 1; next < at + size; next += 1) {
    // Past the end there is undefined, which has no bits.
    if ((bytes[next] & 0xc0) !== 0x80) throw notText();
    point = (point << 6) | (bytes[next] & 0x3f);
  }
  const surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < SMALLEST[size] || point > 0x10ffff || surrogate) throw notText();
  return point;
}

const notText = () => failed("no_utf8", "the bytes are no UTF-8");
