// The body of a request or a response. What it is read with answers at once, where the web's
// functions give promises.

import { bytesOf } from "./bytes.js";
import { TextDecoder } from "./text.js";
import { encode } from "../utf8.js";

export class Body {
  #read;
  #used = false;

  /** A body that `read` gives the bytes of when they are asked for; none where it is undefined. */
  constructor(read) {
    this.#read = read;
  }

  get bodyUsed() {
    return this.#used;
  }

  bytes() {
    if (this.#used) throw new TypeError("the body was read already");
    this.#used = this.#read !== undefined;
    return this.#read?.() ?? new Uint8Array();
  }

  arrayBuffer() {
    const bytes = this.bytes();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  text() {
    return new TextDecoder().decode(this.bytes());
  }

  json() {
    return JSON.parse(this.text());
  }

  /** What a clone reads; not for authors. */
  static readerOf(body) {
    if (body.#used) throw new TypeError("the body was read already");
    return body.#read;
  }
}

/** `{ read, type }` of what an author gives as a body: how it is read, and its media type. */
export function contentOf(content) {
  if (content === undefined || content === null) return {};
  const view = bytesOf(content);
  if (view !== undefined) {
    const copy = view.slice();
    return { read: () => copy };
  }
  const isForm = content instanceof globalThis.URLSearchParams;
  if (typeof content !== "string" && !isForm) {
    throw new TypeError("a body is a string, an ArrayBuffer or a view of one, or URLSearchParams");
  }
  const text = String(content);
  const type = isForm ? "application/x-www-form-urlencoded" : "text/plain";
  return { read: () => encode(text), type: `${type};charset=UTF-8` };
}
