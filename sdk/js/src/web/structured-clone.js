// structuredClone, without transfers.
//
// Of our own, as the libraries for it go through JSON-like records: they lose what two views of one
// buffer share and take each byte apart.

import { domException } from "./error.js";

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

/** A deep copy of a value; what is met twice is copied once. */
export function structuredClone(value, { transfer = [] } = {}) {
  if (transfer.length > 0) throw refused("transferring is not supported here");
  return clone(value, new Map());
}

function clone(value, seen) {
  if (typeof value === "symbol" || typeof value === "function") {
    throw refused(`a ${typeof value} cannot be cloned`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
  const copy = ArrayBuffer.isView(value) ? view(value, seen) : shell(kind, value);
  seen.set(value, copy);
  fill(kind, value, copy, seen);
  return copy;
}

/** The copy before what it holds is in it. */
function shell(kind, value) {
  switch (kind) {
    case "Boolean":
    case "Number":
    case "String":
    case "BigInt":
      return Object(value.valueOf());
    case "Date":
      return new Date(value.getTime());
    case "RegExp":
      return new RegExp(value.source, value.flags);
    case "ArrayBuffer":
      return value.slice(0);
    case "Map":
      return new Map();
    case "Set":
      return new Set();
    case "Array":
      return new Array(value.length);
    case "Error":
      return error(value);
    case "Symbol":
    case "Promise":
    case "WeakMap":
    case "WeakSet":
    case "WeakRef":
    case "FinalizationRegistry":
    case "SharedArrayBuffer":
      throw refused(`a ${kind} cannot be cloned`);
    default:
      return {};
  }
}

function view(value, seen) {
  const buffer = clone(value.buffer, seen);
  const length = value instanceof DataView ? value.byteLength : value.length;
  return new value.constructor(buffer, value.byteOffset, length);
}

function error(value) {
  const make = Object.hasOwn(ERRORS, value.name) ? ERRORS[value.name] : Error;
  const copy = Object.create(make.prototype);
  for (const name of ["message", "stack"]) {
    if (typeof value[name] !== "string") continue;
    Object.defineProperty(copy, name, {
      value: value[name],
      writable: true,
      configurable: true,
    });
  }
  return copy;
}

function fill(kind, value, copy, seen) {
  if (kind === "Map") {
    for (const [key, entry] of value) copy.set(clone(key, seen), clone(entry, seen));
  } else if (kind === "Set") {
    for (const entry of value) copy.add(clone(entry, seen));
  } else if (kind === "Error") {
    if (Object.hasOwn(value, "cause")) {
      const cause = clone(value.cause, seen);
      Object.defineProperty(copy, "cause", { value: cause, writable: true, configurable: true });
    }
  } else if (isRecord(kind, copy)) {
    for (const key of Object.keys(value)) put(copy, key, clone(value[key], seen));
  }
}

/** Whether its own properties are what it holds. */
const isRecord = (kind, copy) =>
  kind === "Array" || Object.getPrototypeOf(copy) === Object.prototype;

/** Also where the key is `__proto__`. */
const put = (copy, key, value) =>
  Object.defineProperty(copy, key, { value, writable: true, enumerable: true, configurable: true });

const refused = (message) => domException("DataCloneError", message);
