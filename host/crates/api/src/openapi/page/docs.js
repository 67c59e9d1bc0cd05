// Shows the document of this server, and sends requests to it. Everything that comes from the
// document or from an answer is put in as text, never as markup. The key stays in its field.
"use strict";

const SHOWN_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 8;

/** An element with attributes and children; children that are texts stay texts. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return element;
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** What a part of the document refers to; itself, where it refers to nothing. */
function meant(api, part) {
  if (typeof part.$ref !== "string") return part;
  const names = part.$ref.replace("#/", "").split("/");
  return names.reduce((whole, name) => whole[name], api);
}

/** The schema with what it refers to in the place of references, to a depth. */
function resolved(api, schema, depth = 0) {
  if (Array.isArray(schema)) return schema.map((item) => resolved(api, item, depth));
  if (schema === null || typeof schema !== "object") return schema;
  if (typeof schema.$ref === "string") {
    if (depth >= DEPTH_MAX) return { $ref: schema.$ref.split("/").pop() };
    return resolved(api, meant(api, schema), depth + 1);
  }
  const entries = Object.entries(schema);
  return Object.fromEntries(entries.map(([key, value]) => [key, resolved(api, value, depth)]));
}

/** A part that is made when it is opened, since most never are. */
function folded(title, content) {
  const details = make("details", {}, make("summary", {}, title));
  details.addEventListener("toggle", () => details.append(content()), { once: true });
  return details;
}

function schemaOf(api, schema) {
  return folded("Schema", () => make("pre", {}, pretty(resolved(api, schema))));
}

function parameterRow(parameter) {
  const { name, schema = {}, required, description = "", example } = parameter;
  const value = example === undefined ? "" : String(example);
  const input = make("input", { value, spellcheck: "false", "aria-label": name });
  const where = required ? `${parameter.in}, required` : parameter.in;
  const kind = schema.enum ? schema.enum.join(" | ") : (schema.pattern ?? schema.type ?? "");
  const row = make(
    "tr",
    {},
    make("td", {}, make("code", {}, name), make("div", { class: "about" }, where)),
    make("td", {}, description, make("div", { class: "about" }, make("code", {}, String(kind)))),
    make("td", {}, input),
  );
  return { parameter, input, row };
}

/** What the body is written in: a text, or a file where it is bytes. */
function bodyField(body) {
  if (!body) return undefined;
  const [mediaType, content] = Object.entries(body.content)[0];
  const isFile = mediaType === "application/wasm";
  const field = isFile
    ? make("input", { type: "file", "aria-label": "body" })
    : make("textarea", { spellcheck: "false", "aria-label": "body" });
  if (!isFile && content.example !== undefined) field.value = pretty(content.example);
  const read = () => (isFile ? field.files[0] : field.value === "" ? undefined : field.value);
  return { mediaType, content, field, read };
}

function addressOf(path, rows) {
  let address = path;
  const query = new URLSearchParams();
  for (const { parameter, input } of rows) {
    if (parameter.in === "path") {
      address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else if (parameter.in === "query" && input.value !== "") {
      query.set(parameter.name, input.value);
    }
  }
  const text = query.toString();
  return text === "" ? address : `${address}?${text}`;
}

/** Headers with the key of whoever tries; same-origin requests alone ever carry it. */
function headersOf(rows, body, isOpen) {
  const headers = new Headers();
  const key = document.getElementById("key").value.trim();
  if (!isOpen && key !== "") headers.set("authorization", `Bearer ${key}`);
  for (const { parameter, input } of rows) {
    if (parameter.in === "header" && input.value !== "") headers.set(parameter.name, input.value);
  }
  if (body?.read() !== undefined) headers.set("content-type", body.mediaType);
  return headers;
}

/** Shows an answer as it comes; a stream of events has no end of its own. */
async function show(response, output) {
  output.textContent = `${response.status} ${response.statusText}\n`;
  for (const name of ["location", "retry-after", "idempotency-replayed", "x-request-id"]) {
    if (response.headers.has(name)) output.append(`${name}: ${response.headers.get(name)}\n`);
  }
  output.append("\n");
  if ((response.headers.get("content-type") ?? "").includes("json")) {
    const text = await response.text();
    try {
      output.append(pretty(JSON.parse(text)));
    } catch {
      output.append(text);
    }
    return;
  }
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let shown = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    shown += value.length;
    output.append(value);
    if (shown > SHOWN_BYTES_MAX) {
      output.append("\nThere is more.");
      await reader.cancel();
      return;
    }
  }
}

function tryIt(method, path, operation, rows, body) {
  const output = make("pre", { hidden: "" });
  const stop = make("button", { type: "button", hidden: "" }, "Stop");
  const isOpen = operation.security?.length === 0;
  const send = async () => {
    const abort = new AbortController();
    stop.onclick = () => abort.abort();
    stop.hidden = output.hidden = false;
    output.textContent = "Waiting.";
    try {
      const response = await fetch(addressOf(path, rows), {
        method: method.toUpperCase(),
        headers: headersOf(rows, body, isOpen),
        body: body?.read(),
        signal: abort.signal,
        credentials: "omit",
        redirect: "error",
      });
      await show(response, output);
    } catch (error) {
      output.append(`\n${error.message}`);
    } finally {
      stop.hidden = true;
    }
  };
  return [make("button", { type: "button", onclick: send }, "Send"), stop, output];
}

function responseParts(api, responses) {
  return Object.entries(responses).map(([status, part]) => {
    const response = meant(api, part);
    const content = Object.entries(response.content ?? {});
    return make(
      "div",
      {},
      make("strong", {}, status),
      ` ${response.description}`,
      content.map(([mediaType, { schema }]) => [
        make("span", { class: "about" }, ` ${mediaType}`),
        schemaOf(api, schema),
      ]),
    );
  });
}

function operationBody(api, method, path, operation) {
  const rows = (operation.parameters ?? []).map(parameterRow);
  const body = bodyField(operation.requestBody);
  const parts = [];
  if (operation.description) parts.push(make("p", {}, operation.description));
  if (rows.length > 0) {
    parts.push(
      make("h3", {}, "Parameters"),
      make(
        "table",
        {},
        rows.map(({ row }) => row),
      ),
    );
  }
  if (body) {
    const title = `Body: ${Object.keys(operation.requestBody.content).join(", ")}`;
    parts.push(make("h3", {}, title), body.field, schemaOf(api, body.content.schema));
  }
  parts.push(...tryIt(method, path, operation, rows, body));
  parts.push(make("h3", {}, "Answers"), ...responseParts(api, operation.responses));
  return make("div", {}, parts);
}

function operationPart(api, method, path, operation) {
  const role = operation["x-wforge-role"] ?? "open";
  const head = make(
    "summary",
    {},
    make("span", { class: "method" }, method.toUpperCase()),
    make("span", { class: "path" }, path),
    ` ${operation.summary} `,
    make("span", { class: "role", title: "the least role" }, role),
  );
  const details = make("details", { class: "operation", id: operation.operationId }, head);
  const open = () => details.append(operationBody(api, method, path, operation));
  details.addEventListener("toggle", open, { once: true });
  details.dataset.words = `${method} ${path} ${operation.summary} ${role}`.toLowerCase();
  return details;
}

function draw(api) {
  const main = document.getElementById("operations");
  const sections = new Map(
    api.tags.map(({ name }) => [name, make("section", {}, make("h2", {}, name))]),
  );
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      sections.get(operation.tags[0])?.append(operationPart(api, method, path, operation));
    }
  }
  const about = api.info.description.split("\n\n").map((text) => make("p", {}, text));
  main.replaceChildren(...about, ...sections.values());
  if (location.hash !== "") {
    const named = document.getElementById(location.hash.slice(1));
    if (named) {
      named.open = true;
      named.scrollIntoView();
    }
  }
}

function filter(words) {
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const part of section.querySelectorAll("details.operation")) {
      part.hidden = !words.every((word) => part.dataset.words.includes(word));
      any ||= !part.hidden;
    }
    section.hidden = !any;
  }
}

async function start() {
  document.getElementById("filter").addEventListener("input", (event) => {
    filter(event.target.value.toLowerCase().split(/\s+/).filter(Boolean));
  });
  try {
    draw(await (await fetch("/openapi.json", { credentials: "omit" })).json());
  } catch (error) {
    document.getElementById("operations").textContent = `No document: ${error.message}`;
  }
}

start();
