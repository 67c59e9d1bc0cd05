// What a test says that the host answers, and what it may not do.

import { Failure, denied } from "../failure.js";

/** The capabilities that a test can deny. */
const KINDS = ["ask", "blobs", "http", "kv", "llm", "secret", "tool"];
/** What `deny("kv:run:rw")` names; a host has no word for writing alone. */
export const WRITES = ":rw";

export class Script {
  #answers = [];
  #denied = new Set();

  /** Adds the answer to the next request of the capability whose resource fits the pattern. */
  add(capability, pattern, answer) {
    this.#answers.push({ capability, pattern, answer });
  }

  /** Denies it. What is no capability is refused, since that would deny nothing. */
  deny(capability) {
    if (!KINDS.includes(String(capability).split(":")[0])) {
      throw new TypeError(`"${capability}" is no capability; they are ${KINDS.join(", ")}`);
    }
    this.#denied.add(capability);
  }

  /** Throws where the test denied what is asked for. */
  check(capability, resource) {
    const by = [...this.#denied].find((one) => covers(one, capability, resource));
    if (by === undefined) return;
    const named = resource.endsWith(WRITES) ? resource.slice(0, -WRITES.length) : resource;
    throw denied(capability, named, `the test denies it with deny("${by}")`);
  }

  /** The next answer to a request. Throws where it is a Failure, or where there is none. */
  next(capability, resource, how) {
    const at = this.#answers.findIndex(
      (one) => one.capability === capability && fits(one.pattern, resource),
    );
    if (at < 0) throw denied(capability, resource, `nothing is scripted: call ${how} before`);
    const [{ answer }] = this.#answers.splice(at, 1);
    if (answer instanceof Failure) throw answer;
    return answer;
  }

  /** The resources that answers of the capability are for, each once. */
  resources(capability) {
    const own = this.#answers.filter((one) => one.capability === capability);
    return [...new Set(own.map(({ pattern }) => pattern))];
  }
}

/** Whether a denial names what is asked for: all of the kind, the resource, or what it begins with. */
function covers(denial, capability, resource) {
  const [kind, ...more] = denial.split(":");
  if (kind !== capability) return false;
  const named = more.join(":");
  if (more.length === 0 || fits(named, resource)) return true;
  if (capability === "http") return resource.startsWith(named) || hostOf(resource) === named;
  // `kv:run` covers `kv:run:ro`, and `secret:token` both ways to use it.
  return resource.startsWith(`${named}:`);
}

const hostOf = (url) => (URL.canParse(url) ? new URL(url).hostname : undefined);

/** `*` alone fits everything; at the end it fits what begins so. */
function fits(pattern, resource) {
  return pattern.endsWith("*") ? resource.startsWith(pattern.slice(0, -1)) : resource === pattern;
}
