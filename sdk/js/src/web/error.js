// Errors with the names that the web's functions give them, where the engine has no DOMException.

/** A DOMException, or an Error that looks like one. */
export function domException(name, message) {
  if (typeof globalThis.DOMException === "function") {
    return new globalThis.DOMException(message, name);
  }
  return Object.assign(new Error(message), { name });
}
