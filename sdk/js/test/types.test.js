// The types, by the compiler itself.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const require = createRequire(import.meta.url);

test("what authors write has types, and what is wrong has errors", () => {
  const compiler = require.resolve("typescript/lib/tsc.js");
  const project = fileURLToPath(new URL("types", import.meta.url));
  try {
    execFileSync(process.execPath, [compiler, "--project", project], { encoding: "utf8" });
  } catch ({ stdout, message }) {
    assert.fail(stdout || message);
  }
});
