// Lets a Node that reads no types yet import TypeScript modules, as Node does since 22.18.
//
//   node --import ./import-types.mjs …
//
// amaro's own `amaro/strip` does so where Node calls a module TypeScript, which 20 does for none.

import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { transformSync } from "amaro";

/** Node asks this, on a thread of its own, for the source of each module. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !/\.m?ts$/.test(url)) return nextLoad(url, context);
  const text = await readFile(fileURLToPath(url), "utf8");
  const { code } = transformSync(text, { mode: "strip-only" });
  return { format: "module", shortCircuit: true, source: code };
}

if (isMainThread) register(import.meta.url);
