// URL and URLSearchParams over the parser of whatwg-url, which is vendored.

import { Address, Params } from "../vendor/whatwg-url.js";

const READ_ONLY = ["origin"];
const WRITABLE = [
  "hash",
  "host",
  "hostname",
  "href",
  "password",
  "pathname",
  "port",
  "protocol",
  "search",
  "username",
];

export class URLSearchParams {
  #params;

  /** What is `given` is a URL's own; not for authors. */
  constructor(init = "", given = undefined) {
    this.#params = given ?? new Params(undefined, [read(init)], {});
  }

  get size() {
    return this.#params.size;
  }

  append(name, value) {
    this.#params.append(text(name), text(value));
  }

  delete(name, value) {
    this.#params.delete(text(name), value === undefined ? undefined : text(value));
  }

  get(name) {
    return this.#params.get(text(name));
  }

  getAll(name) {
    return this.#params.getAll(text(name));
  }

  has(name, value) {
    return this.#params.has(text(name), value === undefined ? undefined : text(value));
  }

  set(name, value) {
    this.#params.set(text(name), text(value));
  }

  sort() {
    this.#params.sort();
  }

  forEach(run, self) {
    for (const [name, value] of this) run.call(self, value, name, this);
  }

  *entries() {
    // The list may grow and shrink meanwhile, and so does what is walked through.
    for (const [name, value] of this.#params) yield [name, value];
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#params.toString();
  }
}

export class URL {
  #address;
  #searchParams;

  constructor(url, base = undefined) {
    this.#address = new Address(undefined, [text(url), baseOf(base)]);
  }

  static canParse(url, base = undefined) {
    return Address.canParse(text(url), baseOf(base));
  }

  static parse(url, base = undefined) {
    return URL.canParse(url, base) ? new URL(url, base) : null;
  }

  static {
    const property = (name) => ({
      enumerable: true,
      configurable: true,
      get() {
        return this.#address[name];
      },
    });
    const setter = (name) => ({
      set(value) {
        this.#address[name] = text(value);
      },
    });
    for (const name of READ_ONLY) Object.defineProperty(this.prototype, name, property(name));
    for (const name of WRITABLE) {
      Object.defineProperty(this.prototype, name, { ...property(name), ...setter(name) });
    }
  }

  get searchParams() {
    this.#searchParams ??= new URLSearchParams("", this.#address.searchParams);
    return this.#searchParams;
  }

  toJSON() {
    return this.#address.href;
  }

  toString() {
    return this.#address.href;
  }
}

/** A string; a lone surrogate becomes U+FFFD. */
const text = (value) => String(value).toWellFormed();

const baseOf = (base) => (base === undefined ? undefined : text(base));

/** What the parser takes: a list of pairs or a text. */
function read(init) {
  if (init === null || (typeof init !== "object" && typeof init !== "function")) return text(init);
  const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
  return Array.from(pairs, (pair) => Array.from(pair, text));
}
