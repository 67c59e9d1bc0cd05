// Values of an author, checked before the engine sees them: it ends the sandbox where one has
// another type than the contract's.

import { invalidInput } from "./failure.js";

const U32_MAX = 4294967295;

/** JSON text. */
export function toJson(what, value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw bad(what, "a value that has JSON");
  return text;
}

/** JSON text, or nothing where there is no value. */
export const toOptionalJson = (what, value) => optional(value, () => toJson(what, value));

export function string(what, value) {
  if (typeof value !== "string") throw bad(what, "a string");
  return value;
}

export function oneOf(what, value, wanted) {
  if (!wanted.includes(value)) throw bad(what, `one of ${wanted.join(", ")}`);
  return value;
}

/** A whole number from 0. */
export function unsigned(what, value, max = Number.MAX_SAFE_INTEGER) {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw bad(what, `a whole number from 0 to ${max}`);
  }
  return value;
}

export const unsigned32 = (what, value) => unsigned(what, value, U32_MAX);

/** What `read` makes of a value, or nothing where there is none. */
export const optional = (value, read) =>
  value === undefined || value === null ? undefined : read(value);

const bad = (what, wanted) => invalidInput("bad_argument", `${what} must be ${wanted}`);
