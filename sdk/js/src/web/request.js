import { Body, contentOf } from "./body.js";
import { Headers } from "./headers.js";

const IN_CAPITALS = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export class Request extends Body {
  #parts;

  constructor(input, init = {}) {
    const from = input instanceof Request ? input : undefined;
    const method = methodOf(init.method ?? from?.method ?? "GET");
    const given = init.body ?? undefined;
    if (given !== undefined && (method === "GET" || method === "HEAD")) {
      throw new TypeError(`a ${method} has no body`);
    }
    const { read, type } = given === undefined && from ? inherited(from) : contentOf(given);
    super(read);
    const headers = new Headers(init.headers ?? from?.headers ?? []);
    if (type !== undefined && !headers.has("content-type")) headers.set("content-type", type);
    // A relative address has nothing here that it is relative to.
    const url = from?.url ?? new globalThis.URL(String(input)).href;
    const { timeoutMs = from?.timeoutMs, redirect = from?.redirect ?? "manual" } = init;
    this.#parts = { method, url, headers, timeoutMs, redirect };
  }

  get method() {
    return this.#parts.method;
  }

  get url() {
    return this.#parts.url;
  }

  get headers() {
    return this.#parts.headers;
  }

  /** The longest time for the whole exchange; the web has no such field. */
  get timeoutMs() {
    return this.#parts.timeoutMs;
  }

  get redirect() {
    return this.#parts.redirect;
  }

  clone() {
    Body.readerOf(this);
    return new Request(this);
  }
}

const inherited = (request) => ({ read: Body.readerOf(request) });

function methodOf(method) {
  const text = String(method);
  if (!METHOD.test(text)) throw new TypeError(`"${method}" is no method`);
  const capitals = text.toUpperCase();
  return IN_CAPITALS.includes(capitals) ? capitals : text;
}
