// Secrets of the operator. Needs: `secret:<name>:hold`, and `secret:<name>:reveal` to see one.

import { guarded } from "./host.js";

/** A secret that the plugin may use but not see. */
export class Secret {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  /** Its text. */
  reveal() {
    return guarded(() => this.#handle.reveal());
  }

  /** What the host knows it by, for `credentials` of a request. */
  static handleOf(secret) {
    return secret.#handle;
  }
}
