import { Body, contentOf } from "./body.js";
import { Headers } from "./headers.js";

export class Response extends Body {
  #parts;

  /** What is `received` came from the host; not for authors. */
  constructor(body, init = {}, received = undefined) {
    const { read, type } = received ?? contentOf(body);
    super(read);
    this.#parts = received ?? made(init, type);
  }

  /** A response of JSON. */
  static json(value, init = {}) {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError("the value has no JSON");
    const headers = new Headers(init.headers ?? []);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(text, { ...init, headers });
  }

  get status() {
    return this.#parts.status;
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  get statusText() {
    return this.#parts.statusText;
  }

  get headers() {
    return this.#parts.headers;
  }

  get url() {
    return this.#parts.url;
  }

  /** Redirects are not followed. */
  get redirected() {
    return false;
  }

  clone() {
    const headers = new Headers(this.headers);
    return new Response(null, {}, { ...this.#parts, headers, read: Body.readerOf(this) });
  }
}

function made({ status = 200, statusText = "", headers = [] }, type) {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError("a status is a whole number from 200 to 599");
  }
  const kept = new Headers(headers);
  if (type !== undefined && !kept.has("content-type")) kept.set("content-type", type);
  return { status, statusText: String(statusText), headers: kept, url: "" };
}
