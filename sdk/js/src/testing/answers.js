// What a test writes down as an answer, in the contract's shape.

import { Failure } from "../failure.js";
import { decode, encode } from "../utf8.js";
import { toJson } from "../values.js";

const RESPONSE = ["status", "headers", "body", "json"];

/** A model's answer: a text, `{ text, toolCalls, finish, … }`, or JSON that it writes. */
export function toCompletion(answer, request) {
  const isResponse = typeof answer?.text === "string" || Array.isArray(answer?.toolCalls);
  const said = isResponse ? answer : { text: asText(answer) };
  const { text = "", toolCalls = [], finish = toolCalls.length > 0 ? "tool_calls" : "stop" } = said;
  const calls = toolCalls.map(({ id, name, arguments: given }, at) => ({
    tag: "tool-call",
    val: { id: id ?? `call_${at + 1}`, name, arguments: toJson("a tool's arguments", given ?? {}) },
  }));
  const parts = text === "" && calls.length > 0 ? calls : [{ tag: "text", val: text }, ...calls];
  const { inputTokens = 0, outputTokens = 0 } = said.usage ?? {};
  return {
    message: { role: "assistant", parts },
    finish,
    usage: { inputTokens, outputTokens, extra: "{}" },
    model: said.model ?? request.model,
    extra: "{}",
  };
}

/** A server's answer: a body, `{ status, headers, body, json }`, or a Failure. */
export function toResponse(answer) {
  if (answer instanceof Failure) return answer;
  const said =
    typeof answer === "string" || answer instanceof Uint8Array ? { body: answer } : answer;
  const unknown = Object.keys(said).find((field) => !RESPONSE.includes(field));
  if (unknown !== undefined) {
    throw new TypeError(`a response has no "${unknown}"; it has ${RESPONSE.join(", ")}`);
  }
  const { status = 200, headers = {}, json } = said;
  const body = json === undefined ? (said.body ?? "") : toJson("json", json);
  const type = json === undefined ? [] : [["content-type", "application/json"]];
  const given = Array.isArray(headers) ? headers : Object.entries(headers);
  const named = given.map(([name, value]) => [name.toLowerCase(), String(value)]);
  const bytes = body instanceof Uint8Array ? body : encode(asText(body));
  return { status, headers: [...type, ...named], body: { tag: "bytes", val: bytes }, extra: "{}" };
}

/** `http POST https://api.example.com {"n":1}`, without the body where that is no text. */
export function sent({ method, url, body }) {
  const line = `http ${method} ${url}`;
  return body?.tag === "bytes" ? `${line} ${textOf(body.val)}` : line;
}

/** The text of the last message. */
export function lastText({ messages }) {
  const parts = messages.at(-1)?.parts ?? [];
  return parts.map(({ tag, val }) => (tag === "text" ? val : "")).join("");
}

/** A text as it is, any other value as JSON. */
export const asText = (value) => (typeof value === "string" ? value : toJson("an answer", value));

function textOf(bytes) {
  try {
    return decode(bytes);
  } catch {
    return `(${bytes.length} bytes)`;
  }
}
