// The memory that `kv` speaks to, with its versions.

import { invalidInput, limit as limited } from "../failure.js";
import { encode } from "../utf8.js";

/** The largest page, key and value, as a host has them. How much fits in all is not counted. */
const PAGE_ENTRIES_MAX = 1_000;
const KEY_BYTES_MAX = 512;
const VALUE_BYTES_MAX = 256 << 10;

const byKey = ([one], [other]) => (one < other ? -1 : 1);

export class Memory {
  #entries = new Map();
  /** Goes on where a key was deleted: a version never comes again. */
  #versions = new Map();
  #now;

  constructor(now) {
    this.#now = now;
  }

  get(scope, key) {
    checkKey(key);
    const entry = this.#entries.get(placeOf(scope, key));
    if (entry === undefined || entry.expires <= this.#now()) return undefined;
    return { key, value: entry.value, version: entry.version };
  }

  set(scope, key, value, ttlMs) {
    checkKey(key);
    if (encode(value).length > VALUE_BYTES_MAX) {
      const message = `a value may have at most ${VALUE_BYTES_MAX} bytes as JSON`;
      throw limited("kv_value_bytes", message);
    }
    const place = placeOf(scope, key);
    const expires = ttlMs === undefined ? Infinity : this.#now() + ttlMs;
    this.#entries.set(place, { scope, key, value, version: this.#grow(place), expires });
    return this.get(scope, key) ?? { key, value, version: this.#versions.get(place) };
  }

  delete(scope, key) {
    if (this.get(scope, key) === undefined) return false;
    const place = placeOf(scope, key);
    this.#grow(place);
    return this.#entries.delete(place);
  }

  swap(scope, key, expected, value) {
    if (this.get(scope, key)?.version !== expected) return false;
    this.set(scope, key, value);
    return true;
  }

  list(scope, prefix, limit, cursor) {
    checkKey(prefix);
    if (limit < 1 || limit > PAGE_ENTRIES_MAX) {
      throw invalidInput("kv_page_entries", `a page has 1 to ${PAGE_ENTRIES_MAX} entries`);
    }
    const found = [...this.#entries.values()]
      .filter((entry) => entry.scope === scope && entry.key.startsWith(prefix))
      .map(({ key }) => [key, this.get(scope, key)])
      .filter(([key, entry]) => entry !== undefined && (cursor === undefined || key > cursor))
      .sort(byKey);
    const entries = found.slice(0, limit).map(([, entry]) => entry);
    return { entries, cursor: found.length > limit ? entries.at(-1)?.key : undefined };
  }

  #grow(place) {
    const version = (this.#versions.get(place) ?? 0) + 1;
    this.#versions.set(place, version);
    return version;
  }
}

function checkKey(key) {
  if (encode(key).length > KEY_BYTES_MAX) {
    throw limited("kv_key_bytes", `a key may have at most ${KEY_BYTES_MAX} bytes`);
  }
}

const placeOf = (scope, key) => `${scope} ${key}`;
