// UTF-8, which QuickJS has no TextEncoder and TextDecoder for.

import { failed } from "./failure.js";

/** Code points that become text at once: an engine takes only so many arguments. */
const POINTS_MAX = 4096;
const REPLACEMENT = 0xfffd;

/** The bytes of a string. A lone surrogate becomes U+FFFD, as TextEncoder does it. */
export function encode(text) {
  // No UTF-16 unit takes more than three bytes.
  const bytes = new Uint8Array(text.length * 3);
  const { written } = encodeInto(text, bytes);
  return bytes.slice(0, written);
}

/** Writes as many whole characters as `bytes` has room for: `{ read, written }`. */
export function encodeInto(text, bytes) {
  // ASCII, which most texts are, byte by byte.
  const most = Math.min(text.length, bytes.length);
  let ascii = 0;
  for (; ascii < most; ascii += 1) {
    const unit = text.charCodeAt(ascii);
    if (unit >= 0x80) break;
    bytes[ascii] = unit;
  }
  let [read, written] = [ascii, ascii];
  for (const character of text.slice(ascii)) {
    const encoded = bytesOf(scalar(character.codePointAt(0)));
    if (written + encoded.length > bytes.length) break;
    for (const byte of encoded) {
      bytes[written] = byte;
      written += 1;
    }
    read += character.length;
  }
  return { read, written };
}

/** The string of bytes. Throws where they are no UTF-8. */
export function decode(bytes) {
  const refuse = () => {
    throw failed("no_utf8", "the bytes are no UTF-8");
  };
  return new Decoder(refuse).push(bytes, true);
}

/**
 * Decodes bytes that come in pieces, as the Encoding Standard says it: `onError` is called for each
 * sequence that is none, which becomes U+FFFD unless that throws.
 */
export class Decoder {
  #onError;
  #points = [];
  #text = "";
  #point = 0;
  #needed = 0;
  #lower = 0x80;
  #upper = 0xbf;

  constructor(onError = () => {}) {
    this.#onError = onError;
  }

  /** The text of the bytes; what they begin and do not end waits for the next, if any come. */
  push(bytes, last) {
    for (let at = this.#plain(bytes, 0); at < bytes.length; at = this.#plain(bytes, at)) {
      // A byte that does not go on with what was begun is looked at again as a first one.
      if (this.#take(bytes[at])) at += 1;
    }
    if (last && this.#needed > 0) this.#malformed();
    this.#flush();
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Takes ASCII at once, which most of a text is; where it ends. */
  #plain(bytes, from) {
    if (this.#needed > 0) return from;
    let to = from;
    while (to < bytes.length && bytes[to] < 0x80) {
      const most = Math.min(bytes.length, to + POINTS_MAX);
      const begun = to;
      while (to < most && bytes[to] < 0x80) to += 1;
      this.#flush();
      this.#text += String.fromCharCode.apply(null, bytes.subarray(begun, to));
    }
    return to;
  }

  #take(byte) {
    if (this.#needed === 0) {
      this.#begin(byte);
      return true;
    }
    if (byte < this.#lower || byte > this.#upper) {
      this.#malformed();
      return false;
    }
    [this.#lower, this.#upper] = [0x80, 0xbf];
    this.#point = (this.#point << 6) | (byte & 0x3f);
    this.#needed -= 1;
    if (this.#needed === 0) this.#add(this.#point);
    return true;
  }

  #begin(byte) {
    if (byte < 0x80) this.#add(byte);
    else if (byte >= 0xc2 && byte < 0xe0) this.#expect(1, byte & 0x1f);
    else if (byte >= 0xe0 && byte < 0xf0) {
      // What is shorter written otherwise, and surrogates, are no UTF-8; so below for four bytes.
      this.#expect(2, byte & 0xf, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf);
    } else if (byte >= 0xf0 && byte < 0xf5) {
      this.#expect(3, byte & 0x7, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf);
    } else this.#malformed();
  }

  #expect(needed, point, lower = 0x80, upper = 0xbf) {
    [this.#needed, this.#point, this.#lower, this.#upper] = [needed, point, lower, upper];
  }

  #malformed() {
    this.#expect(0, 0);
    this.#onError();
    this.#add(REPLACEMENT);
  }

  #add(point) {
    this.#points.push(point);
    if (this.#points.length === POINTS_MAX) this.#flush();
  }

  #flush() {
    this.#text += String.fromCodePoint(...this.#points);
    this.#points = [];
  }
}

const scalar = (point) => (point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point);

function bytesOf(point) {
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), tail(point)];
  if (point < 0x10000) return [0xe0 | (point >> 12), tail(point >> 6), tail(point)];
  return [0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point)];
}

const tail = (bits) => 0x80 | (bits & 0x3f);
