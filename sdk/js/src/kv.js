// Memory that outlives the call. Need: `kv:<scope>`, or `kv:<scope>:ro` to read alone. A scope is
// `run`, `thread` or `plugin`.

import { oneOf, optional, string, toJson, unsigned, unsigned32 } from "./values.js";

const SCOPES = ["run", "thread", "plugin"];
const PAGE_ENTRIES = 100;

export function kv(host) {
  const call = (method, scope, key, ...values) =>
    host.call("kv", method, oneOf("the scope", scope, SCOPES), string("the key", key), ...values);
  /** `{ key, value, version }`, or undefined where the key is not there. */
  const entry = (scope, key) => optional(call("get", scope, key), fromWire);
  return {
    entry,
    /** The value, or undefined where the key is not there. */
    get: (scope, key) => entry(scope, key)?.value,
    /** Writes a key, for `ttlMs` milliseconds if that is given; its new version. */
    set: (scope, key, value, { ttlMs } = {}) => {
      const ttl = optional(ttlMs, (ms) => unsigned("ttlMs", ms));
      return call("set", scope, key, toJson("the value", value), ttl).version;
    },
    /** Deletes a key; whether it was there. */
    delete: (scope, key) => call("delete", scope, key),
    /** The keys that begin with `prefix`: `{ entries, cursor }`. */
    list: (scope, prefix = "", { limit = PAGE_ENTRIES, cursor } = {}) => {
      const page = call("list", scope, prefix, unsigned32("limit", limit), cursor);
      return { entries: page.entries.map(fromWire), cursor: page.cursor };
    },
    /** Writes a key if it is at that version (undefined: is absent); whether it was. */
    swap: (scope, key, expected, value) => {
      const version = optional(expected, (number) => unsigned("expected", number));
      return call("compareAndSwap", scope, key, version, toJson("the value", value));
    },
  };
}

const fromWire = ({ key, value, version }) => ({ key, value: JSON.parse(value), version });
