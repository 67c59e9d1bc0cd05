// What a test says that the host answers, and what it may not do.

import { Failure, denied } from "../failure.js";

export class Script {
  #answers = [];
  #denied = new Set();

  /** Adds the answer to the next request of the capability whose resource fits the pattern. */
  add(capability, pattern, answer) {
    this.#answers.push({ capability, pattern, answer });
  }

  deny(capability) {
    this.#denied.add(capability);
  }

  /** Throws where one of the names of what is asked for was denied. */
  check(names, resource) {
    const name = names.find((one) => this.#denied.has(one));
    if (name === undefined) return;
    throw denied(name.split(":")[0], resource, `the test denies it with deny("${name}")`);
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

/** `*` alone fits everything; at the end it fits what begins so. */
function fits(pattern, resource) {
  return pattern.endsWith("*") ? resource.startsWith(pattern.slice(0, -1)) : resource === pattern;
}
