// Language models. Need: `llm:<model>`.
//
// A message is `{ role, parts }`, or `{ role, text }` where it is one text. A part is one of
// `{ text }`, `{ blob }`, `{ toolCall: { id, name, arguments } }`,
// `{ toolResult: { id, content, isError } }` and `{ other }`. A response's message can be handed
// back as it is.

import { fromWire as blobFromWire, toWire as blobToWire } from "./blobs.js";
import { invalidInput } from "./failure.js";
import { only } from "./host.js";
import { optional, string, toJson, toOptionalJson, unsigned32 } from "./values.js";

export function llm(host) {
  const completeAll = (requests) => host.callAll("llm", "complete", requests.map(toWire), fromWire);
  const complete = (request) => only(completeAll([request]));
  return {
    /** Asks a model: `{ message, text, toolCalls, finish, usage, model }`. */
    complete,
    /** Asks several questions at once. */
    completeAll,
    /** Asks a model with one text and gives back the text of its answer. */
    prompt: (model, text) => complete({ model, messages: [{ role: "user", text }] }).text,
  };
}

function toWire(request) {
  const { model, messages, tools = [], options = {} } = request;
  return {
    model: string("the model", model),
    messages: messages.map(messageToWire),
    tools: tools.map(({ name, description = "", parameters = {} }) => ({
      name: string("a tool's name", name),
      description: string("a tool's description", description),
      parameters: toJson("a tool's parameters", parameters),
    })),
    responseSchema: toOptionalJson("responseSchema", request.responseSchema),
    maxTokens: optional(request.maxTokens, (tokens) => unsigned32("maxTokens", tokens)),
    temperature: optional(request.temperature, Number),
    streamTo: optional(request.streamTo, (topic) => string("streamTo", topic)),
    options: toJson("the options", options),
  };
}

function messageToWire({ role, text, parts = [{ text }] }) {
  return { role: string("a message's role", role), parts: parts.map(partToWire) };
}

function partToWire(part) {
  const { text, blob, toolCall, toolResult, other } = part;
  if (text !== undefined) return { tag: "text", val: string("a part's text", text) };
  if (blob !== undefined) return { tag: "blob", val: blobToWire(blob) };
  if (toolCall !== undefined) {
    const { id, name } = toolCall;
    return {
      tag: "tool-call",
      val: { id, name, arguments: toJson("a tool's arguments", toolCall.arguments) },
    };
  }
  if (toolResult !== undefined) {
    const { id, content, isError = false } = toolResult;
    return {
      tag: "tool-result",
      val: { id, content: toJson("a tool's result", content), isError },
    };
  }
  if (other !== undefined) return { tag: "other", val: toJson("a part", other) };
  throw invalidInput(
    "bad_argument",
    "a part of a message has text, blob, toolCall, toolResult or other",
  );
}

function fromWire({ message, finish, usage, model, extra }) {
  const parts = message.parts.map(partFromWire);
  const texts = parts.filter((part) => part.text !== undefined);
  const calls = parts.filter((part) => part.toolCall !== undefined);
  return {
    message: { role: message.role, parts },
    text: texts.map(({ text }) => text).join(""),
    toolCalls: calls.map(({ toolCall }) => toolCall),
    finish,
    usage: { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens },
    model,
    extra: JSON.parse(extra),
  };
}

function partFromWire({ tag, val }) {
  switch (tag) {
    case "text":
      return { text: val };
    case "blob":
      return { blob: blobFromWire(val) };
    case "tool-call":
      return { toolCall: { ...val, arguments: JSON.parse(val.arguments) } };
    case "tool-result":
      return { toolResult: { ...val, content: JSON.parse(val.content) } };
    default:
      return { other: JSON.parse(val) };
  }
}
