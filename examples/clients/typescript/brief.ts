// Runs examples/brief over the API: installs its plugins, registers its workflow, starts a run,
// waits for it and prints the report. The types of every request and answer are those that
// openapi-typescript made of openapi.json.
//
//   WFORGE_SERVER=http://127.0.0.1:7420 WFORGE_API_KEY=… node brief.js WORKFLOW DOCUMENT PLUGIN…
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { paths } from "./wforge.js";

const POLL_MS = 200;
const ENDED = ["completed", "failed", "cancelled"];

const { WFORGE_SERVER: baseUrl, WFORGE_API_KEY: key } = process.env;
const [workflow, document, ...plugins] = process.argv.slice(2);
if (!baseUrl || !key || !workflow || !document) {
  throw new Error("WFORGE_SERVER=… WFORGE_API_KEY=… node brief.js WORKFLOW DOCUMENT PLUGIN…");
}
const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });

/** What was answered; a refusal is an error with its code and what to do. */
function given<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

/** A body that is sent as it is, and no JSON. */
function asIs(bytes: Uint8Array<ArrayBuffer> | string, mediaType: string) {
  return {
    // Descriptions of an API have no type for bytes.
    body: bytes as never,
    bodySerializer: () => bytes,
    headers: { "content-type": mediaType },
  };
}

for (const file of plugins) {
  const component = new Uint8Array(await readFile(file));
  given(await api.POST("/v1/plugins", asIs(component, "application/wasm")));
}
const text = await readFile(workflow, "utf8");
given(await api.POST("/v1/workflows", asIs(text, "application/yaml")));

let run = given(
  await api.POST("/v1/runs", {
    params: { query: { wait: "10s" } },
    body: {
      workflow: "brief",
      input: { document: await readFile(document, "utf8") },
      answers: { approve: { approve: true } },
    },
  }),
);
while (!ENDED.includes(run.status)) {
  await pause(POLL_MS);
  run = given(await api.GET("/v1/runs/{run}", { params: { path: { run: run.id } } }));
}
if (run.status !== "completed") {
  throw new Error(`${run.id} is ${run.status}: ${JSON.stringify(run.error)}`);
}
process.stdout.write(String(run.output?.["report"]));
