// HTTP through the host. Need: `http:<rule>`. Redirects are not followed.

import { fromWire as blobFromWire, toWire as blobToWire } from "./blobs.js";
import { failed } from "./failure.js";
import { only } from "./host.js";
import { Secret } from "./secrets.js";
import { decode, encode } from "./utf8.js";
import { optional, string, toJson, unsigned } from "./values.js";

export function http(host) {
  const fetchAll = (requests) => host.callAll("http", "fetch", requests.map(toWire), fromWire);
  return {
    /** Sends a request: `{ status, headers, body, text(), json() }`, whatever its status. */
    fetch: (request) => only(fetchAll([request])),
    /** Sends several requests at once. */
    fetchAll,
  };
}

/** `body` is a string, bytes or a blob; `json` is a body of JSON with the header that says so. */
function toWire(request) {
  const { method = "GET", url, headers = [], credentials = [], json, options = {} } = request;
  const given = Array.isArray(headers) ? headers : Object.entries(headers);
  const pairs = json === undefined ? given : [["content-type", "application/json"], ...given];
  const sent = json === undefined ? request.body : toJson("json", json);
  return {
    method: string("the method", method),
    url: string("the url", url),
    headers: pairs.map(([name, value]) => [string("a header", name), string(name, value)]),
    credentials: credentials.map(credentialToWire),
    body: optional(sent, bodyToWire),
    timeoutMs: optional(request.timeoutMs, (ms) => unsigned("timeoutMs", ms)),
    options: toJson("the options", options),
  };
}

/** `{ header, template, secret }`: the host puts the secret where the template has `{}`. */
function credentialToWire({ header, template = "{}", secret }) {
  return {
    header: string("a credential's header", header),
    template: string("a credential's template", template),
    secret: Secret.handleOf(secret),
  };
}

function bodyToWire(body) {
  if (typeof body === "string") return { tag: "bytes", val: encode(body) };
  if (body instanceof Uint8Array) return { tag: "bytes", val: body };
  return { tag: "blob", val: blobToWire(body) };
}

function fromWire({ status, headers, body, extra }) {
  const large = body.tag === "blob";
  const text = () => {
    if (large) throw failed("large_body", "the body is large and came as a blob: read that");
    return decode(body.val);
  };
  return {
    status,
    headers,
    body: large ? blobFromWire(body.val) : body.val,
    text,
    json: () => JSON.parse(text()),
    extra: JSON.parse(extra),
  };
}
