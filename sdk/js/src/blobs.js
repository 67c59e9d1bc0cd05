// Files and large values by reference. No need; `build.uses` has "blobs".
//
// A reference is what JSON has in inputs and outputs: `{ $blob, size, media_type }`.

import { guarded } from "./host.js";
import { encode } from "./utf8.js";
import { string, unsigned, unsigned32 } from "./values.js";

/** How much of a blob is handed over at once, in bytes. */
const PIECE_BYTES_MAX = 1 << 20;

export function blobs(host) {
  return {
    /** Writes a string or bytes, at most 8 MiB; the reference. */
    write: (mediaType, content) => {
      const bytes = typeof content === "string" ? encode(content) : content;
      const writer = host.call("blobs", "create", string("the media type", mediaType));
      for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
        guarded(() => writer.append(bytes.slice(at, at + PIECE_BYTES_MAX)));
      }
      return fromWire(guarded(() => writer.finish()));
    },
    /** Reads at most `length` bytes from `offset`, all of the rest where it is not said. */
    read: (blob, offset = 0, length = Math.max(0, blob.size - offset)) =>
      host.call(
        "blobs",
        "read",
        toWire(blob),
        unsigned("the offset", offset),
        unsigned32("the length", length),
      ),
  };
}

export const toWire = (blob) => ({
  digest: string("a blob's $blob", blob.$blob),
  size: unsigned("a blob's size", blob.size),
  mediaType: string("a blob's media_type", blob.media_type),
  extra: JSON.stringify(blob.extra ?? {}),
});

export function fromWire({ digest, size, mediaType, extra }) {
  const more = JSON.parse(extra);
  const blob = { $blob: digest, size, media_type: mediaType };
  return Object.keys(more).length === 0 ? blob : { ...blob, extra: more };
}
