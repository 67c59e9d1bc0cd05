// Blobs of one test.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { denied } from "../failure.js";

export class Store {
  #blobs = new Map();

  /** Keeps the bytes of all pieces; the reference as the contract has it. */
  put(mediaType, pieces) {
    const bytes = Uint8Array.from(Buffer.concat(pieces));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    this.#blobs.set(digest, bytes);
    return { digest, size: bytes.length, mediaType, extra: "{}" };
  }

  read({ digest }, offset, length) {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) {
      throw denied("blobs", digest, "no such blob is here: make one with the mock's blob(…)");
    }
    return bytes.slice(offset, offset + length);
  }
}
