// Schemas in code: JSON Schema as an object, or what a library such as zod makes.
//
// Nothing of a library is imported. One that speaks Standard Schema checks values itself and may
// change them (defaults, other types); one that can say its JSON Schema tells it to the host, which
// checks values against that before and after the agent runs.

import { failed, invalidInput } from "./failure.js";

const TARGET = "draft-2020-12";

/** Refuses, while the plugin is built, what is no schema. */
export function checkSchema(where, schema) {
  if (isJsonSchema(schema) || isLibrary(schema)) return;
  throw new TypeError(`${where} must be a JSON Schema, or a schema of zod or the like`);
}

/** The JSON Schema of what goes in (`input`) or comes out (`output`) of a schema. */
export function jsonSchemaOf(where, schema, direction) {
  if (isJsonSchema(schema)) return schema;
  if (typeof schema.toJSONSchema === "function") {
    return plain(schema.toJSONSchema({ io: direction, target: TARGET }));
  }
  const say = schema["~standard"].jsonSchema?.[direction];
  if (typeof say === "function") return plain(say({ target: TARGET }));
  throw new TypeError(
    `${where} cannot say its JSON Schema: take zod 4.2 or newer (not zod/mini), or give the schema ` +
      "a function toJSONSchema",
  );
}

/** The value as the schema gives it back; with a JSON Schema as it is: the host has checked it. */
export function read(what, schema, value) {
  const validate = schema?.["~standard"]?.validate;
  if (typeof validate !== "function") return value;
  const result = validate(value);
  if (typeof result?.then === "function") {
    throw failed("async_schema", `the schema of the ${what} checks asynchronously; agents cannot`);
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ path = [], message }) => {
    const place = [what, ...path.map(keyOf)].join(".");
    return { place, message };
  });
  const said = issues.map(({ place, message }) => `${place}: ${message}`).join("; ");
  throw invalidInput("invalid_input", said, { details: { issues } });
}

const keyOf = (part) => String(typeof part === "object" ? part.key : part);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Schemas of some libraries are functions. */
const isLibrary = (schema) =>
  (isObject(schema) || typeof schema === "function") &&
  (typeof schema.toJSONSchema === "function" || isObject(schema["~standard"]));

const isJsonSchema = (schema) =>
  typeof schema === "boolean" || (isObject(schema) && !isLibrary(schema));

/** As JSON has it: without what a library keeps beside. */
const plain = (schema) => JSON.parse(JSON.stringify(schema));
