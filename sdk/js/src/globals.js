// What QuickJS lacks of the functions that every other engine has: put on globalThis when the SDK
// is loaded, and only where it is missing, so that nothing here replaces what an engine brings.

import { makeConsole } from "./console.js";
import { hostIfAny, hostNow } from "./now.js";
import { atob, btoa } from "./web/base64.js";
import { makeCrypto } from "./web/crypto.js";
import { makeFetch } from "./web/fetch.js";
import { Headers } from "./web/headers.js";
import { Request } from "./web/request.js";
import { Response } from "./web/response.js";
import { structuredClone } from "./web/structured-clone.js";
import { TextDecoder, TextEncoder } from "./web/text.js";
import { URL, URLSearchParams } from "./web/url.js";

/** Lines that are written while modules load have no log to go to, and are dropped. */
const console = makeConsole((...line) => hostIfAny()?.call("log", "write", ...line));

/** The host's randomness: of no other task's, and the same for a rerun. */
const crypto = makeCrypto((count) => hostNow("crypto").call("random", "getRandomBytes", count));

/** What asks the host, or answers at once where other engines give promises. */
export const SANDBOX = {
  console,
  crypto,
  fetch: makeFetch(hostNow),
  Headers,
  Request,
  Response,
};

const PLAIN = { atob, btoa, structuredClone, TextDecoder, TextEncoder, URL, URLSearchParams };

/** Adds what is missing to an object such as globalThis. */
export function install(target) {
  for (const [name, value] of Object.entries({ ...PLAIN, ...SANDBOX })) {
    if (target[name] !== undefined) continue;
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
}
