// Why an agent did not succeed. What is thrown here reaches the host as the contract's `failure`.

/** Throw it to fail with a code of your own. `tag` is one of the contract's cases. */
export class Failure extends Error {
  constructor(tag, code, message, { retryable = false, retryAfterMs, details = {} } = {}) {
    super(message);
    this.name = "Failure";
    this.payload = {
      tag,
      val: { code, message, retryable, retryAfterMs, details: JSON.stringify(details) },
    };
  }

  /** The failure that the host gave. It is handed on as it is. */
  static of(payload) {
    const { capability, resource, hint } = payload.val;
    // Of what has no resources, such as `ask`, its name alone.
    const what = resource === "" ? capability : `${capability} ${resource}`;
    const { code, message } =
      payload.tag === "denied"
        ? { code: "denied", message: `${what} is denied: ${hint}` }
        : payload.val;
    return Object.assign(new Failure(payload.tag, code, message), { payload });
  }

  /** `invalid-input`, `denied`, `limit`, `upstream`, `cancelled` or `failed`. */
  get tag() {
    return this.payload.tag;
  }

  /** The problem's code; none where something was denied. */
  get code() {
    return this.payload.val.code;
  }

  /** What else is known: for an exception its stack; where something was denied, nothing. */
  get details() {
    return JSON.parse(this.payload.val.details ?? "{}");
  }

  /** Whether the same call may succeed later. */
  get retryable() {
    return this.payload.val.retryable ?? false;
  }
}

/** The input cannot be worked on; never retried. */
export const invalidInput = (code, message, options) =>
  new Failure("invalid-input", code, message, options);

/** A budget is used up. */
export const limit = (code, message, options) => new Failure("limit", code, message, options);

/** A system outside failed. */
export const upstream = (code, message, options) => new Failure("upstream", code, message, options);

/** The agent itself failed. */
export const failed = (code, message, options) => new Failure("failed", code, message, options);

/** A capability that the agent may not use. */
export const denied = (capability, resource, hint) =>
  Failure.of({ tag: "denied", val: { capability, resource, hint } });

/** The contract's failure for whatever was thrown, by the agent or by the host. */
export function toPayload(thrown) {
  if (typeof thrown?.payload?.tag === "string") return thrown.payload;
  const stack = String(thrown?.stack ?? "").trim();
  const place = firstPlace(stack);
  const where = place === undefined ? "" : ` (${place.file}:${place.line})`;
  const message = `${thrown instanceof Error ? thrown.toString() : JSON.stringify(thrown)}${where}`;
  return failed("exception", message, { details: { stack, ...place } }).payload;
}

/** File, line and column of the innermost frame that has them. */
function firstPlace(stack) {
  const match = /\(?((?:file:\/\/)?\/[^\s():]+):(\d+):(\d+)\)?/.exec(stack);
  if (match === null) return undefined;
  return { file: match[1].replace(/^\//, ""), line: Number(match[2]), column: Number(match[3]) };
}
