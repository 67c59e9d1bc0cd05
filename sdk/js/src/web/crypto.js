// crypto.getRandomValues and crypto.randomUUID. There is no crypto.subtle.

import { domException } from "./error.js";

const BYTES_MAX = 65536;
const INTEGERS = ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32"];
const TAGS = [...INTEGERS, "BigInt64", "BigUint64"].map((kind) => `${kind}Array`);

/** A crypto whose chance is `randomBytes(count)`. */
export function makeCrypto(randomBytes) {
  const getRandomValues = (view) => {
    // The tag of a typed array is its kind; nothing else has it.
    if (!ArrayBuffer.isView(view) || !TAGS.includes(view[Symbol.toStringTag])) {
      throw domException("TypeMismatchError", "getRandomValues takes a typed array of integers");
    }
    if (view.byteLength > BYTES_MAX) {
      const message = `getRandomValues gives at most ${BYTES_MAX} bytes at once`;
      throw domException("QuotaExceededError", message);
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (bytes.length > 0) bytes.set(randomBytes(bytes.length));
    return view;
  };
  return { getRandomValues, randomUUID: () => uuid(getRandomValues(new Uint8Array(16))) };
}

/** A UUID of version 4. */
function uuid(bytes) {
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const cuts = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ];
  return cuts.map(([from, to]) => hex.slice(from, to)).join("-");
}
