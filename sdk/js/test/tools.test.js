// What stands beside the package: the stripper of types, the vendored URL, and the package itself.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { vendored } from "../tools/vendor-url.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TYPES = "export const twice = (n: number): number => n * 2;\n";

const TYPED = `import { defineAgent } from "@workflowforge/sdk";
import { MockHost } from "@workflowforge/sdk/testing";
console.log(new MockHost().run(defineAgent(() => fetch("https://a.example").json())).output);
`;
/** What README tells an author of TypeScript to write into tsconfig.json. */
const SETTINGS = {
  compilerOptions: {
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    lib: ["ES2023"],
    module: "nodenext",
    noEmit: true,
    strict: true,
    types: ["@workflowforge/sdk/globals"],
    verbatimModuleSyntax: true,
  },
  files: ["typed.ts"],
};

/** A folder with these files, for as long as `use` takes. */
function inFolder(files, use) {
  const folder = mkdtempSync(join(tmpdir(), "sdk-js-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const strip = (folder) =>
  spawnSync(process.execPath, [join(ROOT, "tools/strip-types.mjs"), folder], { encoding: "utf8" });

test("types are taken out and everything else stays where it was", () => {
  const files = {
    "src/agent.ts": TYPES,
    "src/types.d.ts": "export type A = 1;\n",
    "node_modules/a/index.ts": TYPES,
    "test/a.ts": "enum A {}\n",
  };
  inFolder(files, (folder) => {
    const { status, stderr } = strip(folder);
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const read = (name) => readFileSync(join(folder, name), "utf8");
    const expected = "export const twice = (n        )         => n * 2;\n";
    assert.equal(read("src/agent.ts"), expected);
    for (const kept of ["src/types.d.ts", "node_modules/a/index.ts", "test/a.ts"]) {
      assert.equal(read(kept), files[kept]);
    }
  });
});

test("what has no types to strip is refused with its file and line", () => {
  inFolder({ "src/a.ts": "const a = 1;\nenum Colour { Red }\n" }, (folder) => {
    const { status, stderr } = strip(folder);
    assert.equal(status, 1);
    assert.match(stderr, /^error: src\/a\.ts:2: .*enum.*there are no enums/s);
  });
});

test("the vendored URL is what the pinned package makes", async () => {
  assert.equal(readFileSync(join(ROOT, "src/vendor/whatwg-url.js"), "utf8"), await vendored());
});

test("the package has code, types, licences and README, and works, with its types, where it is unpacked", () => {
  inFolder({ "use/package.json": '{ "type": "module" }' }, (folder) => {
    const npm = (...args) => execFileSync("npm", args, { cwd: ROOT, encoding: "utf8" });
    const [packed] = JSON.parse(npm("pack", "--json", "--pack-destination", folder));
    const files = packed.files.map(({ path }) => path);
    const wanted = ["LICENSE", "README.md", "package.json", "src/index.d.ts", "src/testing.js"];
    for (const path of [...wanted, "src/vendor/LICENSE-whatwg-url.txt"]) {
      assert.ok(files.includes(path), `${path} is missing`);
    }
    assert.deepEqual(
      files.filter((path) => /^(test|tools|node_modules)\//.test(path)),
      [],
    );
    const place = join(folder, "use/node_modules/@workflowforge/sdk");
    mkdirSync(place, { recursive: true });
    const tar = join(folder, packed.filename);
    execFileSync("tar", ["-xzf", tar, "--strip-components=1", "-C", place]);
    const code = `import { defineAgent } from "@workflowforge/sdk";
      import { MockHost } from "@workflowforge/sdk/testing";
      const agent = defineAgent(({ n }) => n + 1);
      process.stdout.write(String(new MockHost().run(agent, { n: 1 }).output));`;
    writeFileSync(join(folder, "use/it.js"), code);
    const said = execFileSync(process.execPath, [join(folder, "use/it.js")], { encoding: "utf8" });
    assert.equal(said, "2");
    writeFileSync(join(folder, "use/typed.ts"), TYPED);
    writeFileSync(join(folder, "use/tsconfig.json"), JSON.stringify(SETTINGS));
    const compiler = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");
    const project = ["--project", join(folder, "use")];
    assert.equal(
      spawnSync(process.execPath, [compiler, ...project], { encoding: "utf8" }).stdout,
      "",
    );
  });
});
