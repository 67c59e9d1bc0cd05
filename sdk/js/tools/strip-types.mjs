// Takes the types out of every TypeScript module below a folder, in place: spaces stand where they
// stood, so that a stack names the author's file, line and column. Nothing is renamed or bundled.
//
//   node strip-types.mjs FOLDER
//
// By amaro, which is what node itself strips types with. It says that it wants node 22; 20 runs it.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { transformSync } from "amaro";

const SKIPPED = ["node_modules", "target", "test", "tests", ".git"];

/** The TypeScript modules below a folder, declarations left out. */
function* modules(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.includes(entry.name)) yield* modules(path);
    else if (entry.isFile() && /(?<!\.d)\.m?ts$/.test(entry.name)) yield path;
  }
}

/** What is wrong, with the place: amaro's own words name neither file nor line of each mistake. */
function explain(path, error) {
  const place = error.startLine === undefined ? path : `${path}:${error.startLine}`;
  const fix =
    error.code === "UnsupportedSyntax"
      ? "; there are no enums, namespaces and parameter properties where types are only taken out"
      : "";
  return `${place}: ${error.message ?? error}${fix}`;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: node strip-types.mjs FOLDER\n");
  process.exit(2);
}
for (const path of modules(folder)) {
  try {
    const { code } = transformSync(readFileSync(path, "utf8"), { mode: "strip-only" });
    writeFileSync(path, code);
  } catch (error) {
    process.stderr.write(`error: ${explain(relative(folder, path), error)}\n`);
    process.exit(1);
  }
}
