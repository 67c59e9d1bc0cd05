// Headers of requests and responses: names in any case, several values of one.

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const COOKIE = "set-cookie";

export class Headers {
  /** Lower-case names and all of their values. */
  #values = new Map();

  constructor(init = []) {
    if (init === null || typeof init !== "object") {
      throw new TypeError("headers are an object, a list of pairs or Headers");
    }
    const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const pair of pairs) {
      const [name, value, ...more] = pair;
      if (value === undefined || more.length > 0) throw new TypeError("a header is a pair");
      this.append(name, value);
    }
  }

  append(name, value) {
    const key = keyOf(name);
    this.#values.set(key, [...(this.#values.get(key) ?? []), valueOf(key, value)]);
  }

  delete(name) {
    this.#values.delete(keyOf(name));
  }

  /** The values joined by commas, or null. */
  get(name) {
    return this.#values.get(keyOf(name))?.join(", ") ?? null;
  }

  getSetCookie() {
    return [...(this.#values.get(COOKIE) ?? [])];
  }

  has(name) {
    return this.#values.has(keyOf(name));
  }

  set(name, value) {
    const key = keyOf(name);
    this.#values.set(key, [valueOf(key, value)]);
  }

  forEach(run, self) {
    for (const [name, value] of this) run.call(self, value, name, this);
  }

  *entries() {
    for (const name of [...this.#values.keys()].sort()) {
      // Cookies cannot be joined: a comma is a part of their dates.
      const values = this.#values.get(name) ?? [];
      if (name === COOKIE) yield* values.map((value) => [name, value]);
      else yield [name, values.join(", ")];
    }
  }

  *keys() {
    for (const [name] of this.entries()) yield name;
  }

  *values() {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

function keyOf(name) {
  if (!NAME.test(String(name))) throw new TypeError(`"${name}" is no name of a header`);
  return String(name).toLowerCase();
}

function valueOf(name, value) {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\n\r]/.test(text)) throw new TypeError(`the header ${name} has a line break in it`);
  return text;
}
