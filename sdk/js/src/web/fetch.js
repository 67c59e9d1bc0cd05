// fetch over the host's HTTP. Need: `http:<rule>`.
//
// It answers at once, as every call of the host does: agents are synchronous. `await` takes its
// answer as it is, where the same code runs elsewhere as well. Redirects are not followed.

import { blobs } from "../blobs.js";
import { failed } from "../failure.js";
import { http } from "../http.js";
import { Headers } from "./headers.js";
import { Request } from "./request.js";
import { Response } from "./response.js";

/** How much of a large body is read at once, in bytes. */
const PIECE_BYTES_MAX = 1 << 20;

/** A fetch that asks the host that `hostNow` gives when it is called. */
export function makeFetch(hostNow) {
  return function fetch(input, init = {}) {
    const request = new Request(input, init);
    const { method, url, timeoutMs } = request;
    const sent = request.bytes();
    const body = sent.length === 0 ? undefined : sent;
    const host = hostNow("fetch");
    const answer = http(host).fetch({
      method,
      url,
      timeoutMs,
      body,
      headers: [...request.headers],
    });
    const { status, headers } = answer;
    if (request.redirect === "error" && status >= 300 && status < 400) {
      throw new TypeError(`${url} answered with a redirect`);
    }
    const read = () => bytesOf(host, answer.body);
    return new Response(
      null,
      {},
      { status, statusText: "", headers: new Headers(headers), url, read },
    );
  };
}

/** What is larger than 256 KiB comes as a blob, which is read where the plugin may. */
function bytesOf(host, body) {
  if (body instanceof Uint8Array) return body;
  if (!host.has("blobs")) {
    const fix = 'add "blobs" to build.uses in plugin.toml';
    throw failed("large_body", `the body is large and came as a blob: ${fix}`);
  }
  const bytes = new Uint8Array(body.size);
  for (let at = 0; at < bytes.length;) {
    const piece = blobs(host).read(body, at, Math.min(PIECE_BYTES_MAX, bytes.length - at));
    if (piece.length === 0) throw failed("short_blob", "the body ended before its size");
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
