// While an agent runs in a test, globalThis has what it has in a sandbox.

import { SANDBOX } from "../globals.js";

/** Runs with the sandbox's console, fetch, crypto and clock; then everything is as it was. */
export function pretending(now, run) {
  const instead = { ...SANDBOX, Date: clocked(Date, now) };
  const before = Object.keys(instead).map((name) => [
    name,
    Object.getOwnPropertyDescriptor(globalThis, name),
  ]);
  const { random } = Math;
  try {
    for (const [name, value] of Object.entries(instead)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
    return run();
  } finally {
    Math.random = random;
    for (const [name, descriptor] of before) restore(name, descriptor);
  }
}

function restore(name, descriptor) {
  if (descriptor === undefined) delete globalThis[name];
  else Object.defineProperty(globalThis, name, descriptor);
}

/** A Date whose time is what `now` says. */
function clocked(real, now) {
  return new Proxy(real, {
    apply: () => new real(now()).toString(),
    construct: (target, values, made) =>
      Reflect.construct(target, values.length === 0 ? [now()] : values, made),
    get: (target, name, self) => (name === "now" ? now : Reflect.get(target, name, self)),
  });
}
