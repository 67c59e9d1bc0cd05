import assert from "node:assert/strict";
import { test } from "node:test";
import { verify } from "../src/verify.js";
import { searchIn } from "./folder.js";

const FILES = {
  Makefile: "build: src\n\tcc\nCC := gcc\ntest check: build\n",
  "README.md": "`lost()` and --lost and LOST_NAME\n",
  "Cargo.toml": '[package]\nname = "app"\nrust-version = "1.95"\n[features]\nfast = []\n',
  "Cargo.lock": '[[package]]\nname = "cel"\nversion = "0.15.0"\n',
  ".cargo/config.toml": 'xtask = "run -p xtask"\n',
  "package.json": '{ "scripts": { "lint": "eslint" }, "engines": { "node": ">=18" } }\n',
  justfile: "release version:\n  echo\n",
  "src/main.rs": [
    "enum Command { Run(RunArgs), Show { id: u64 } }",
    "struct RunArgs { input: Vec<String>, dry_run: bool, logLevel: u8 }",
    "const ROUTES_MAX: usize = 64; // 67 routes in all",
    'let keys = ["retry_max", "APP_"]; let data_dir = "data/server.json";',
    "pub fn read_all() {} // wforge/outline as text/plain",
    'router.route("/v1/runs/{id}", get(run));',
    "",
  ].join("\n"),
  "src/limits.rs": "pub struct Limits { pub steps: u32 }\n",
  "tools/gen/__init__.py": "",
  "examples/one.rs": "",
  "examples/two/main.rs": "",
  "docs/guide.md": "text\n",
};

/** The verdict on a claim and why, as `verdict in n: why [first evidence]`. */
function judged(kind, subjects, options = {}) {
  const host = { searcher: () => searchIn(options.files ?? FILES, options) };
  const claim = { id: "c1", kind, subjects };
  const { id, verdict, why, evidence, looks, by } = verify(
    { claim, folder: { files: [] } },
    options.config ?? {},
    host,
  );
  assert.equal(id, "c1");
  assert.equal(by, "rules");
  const first = evidence.length > 0 ? ` [${evidence[0].file}:${evidence[0].line}]` : "";
  return `${verdict} in ${looks}: ${why}${first}`;
}

const check = (kind, subjects, expected, options) =>
  assert.equal(judged(kind, subjects, options), expected);

test("a path is there, elsewhere, named by code, or not there", () => {
  check("path", ["src/main.rs"], "proven in 1: src/main.rs is there [src/main.rs:0]");
  check("path", ["docs/"], "proven in 1: docs/ is there [docs/:0]");
  check("path", ["main.rs"], "proven in 1: it is src/main.rs [src/main.rs:0]");
  check("path", ["docs/*.md"], "proven in 1: it is docs/guide.md [docs/guide.md:0]");
  check(
    "path",
    ["lib/guide.md"],
    "contradicted in 2: there is no lib/guide.md; something of that name is elsewhere [docs/guide.md:0]",
  );
  check(
    "path",
    ["data/server.json"],
    "unknown in 2: not in the folder, but code names it: it may be made later [src/main.rs:4]",
  );
  check("path", ["lost.rs"], "contradicted in 2: there is no lost.rs");
  check("path", ["lost/file.rs"], "contradicted in 3: there is no lost/file.rs");
});

test("what looks like a path may be a name", () => {
  check(
    "path",
    ["wforge/outline"],
    "proven in 2: no path, but code names wforge/outline [src/main.rs:5]",
  );
});

test("a link leads to a file or not", () => {
  check("link", ["docs/guide.md"], "proven in 1: docs/guide.md is there [docs/guide.md:0]");
  check("link", ["lost.md"], "contradicted in 2: there is no lost.md");
});

test("a command is made of what the folder has", () => {
  const command = (words, expected) => check("command", words.split(" "), expected);
  command("make build", "proven in 1: a Makefile has the target build [Makefile:1]");
  command("make check", "proven in 1: a Makefile has the target check [Makefile:4]");
  command("make lost", "contradicted in 2: no Makefile has the target lost [Makefile:0]");
  command("make gcc", "contradicted in 2: no Makefile has a rule that is called gcc [Makefile:3]");
  command("just release", "proven in 1: a justfile has the recipe release [justfile:1]");
  command("just lost", "contradicted in 1: no justfile has the recipe lost");
  command("npm lint", "proven in 1: package.json has the script lint [package.json:1]");
  command("npm lost", "contradicted in 1: no package.json has the script lost [package.json:0]");
  command("cargo", "proven in 1: there is a Cargo.toml [Cargo.toml:0]");
  command("cargo package app", "proven in 1: cargo has the package app [Cargo.toml:2]");
  command("cargo package lost", "contradicted in 1: cargo has no package lost here");
  command("cargo target two", "proven in 1: cargo has the target two [examples/two/main.rs:0]");
  command("cargo feature fast", "proven in 1: cargo has the feature fast [Cargo.toml:5]");
  command("cargo alias xtask", "proven in 1: cargo has the alias xtask [.cargo/config.toml:1]");
  command("cargo alias lost", "unknown in 1: cargo lost is no alias here; it may be installed");
  command("file src/main.rs", "proven in 1: src/main.rs is there [src/main.rs:0]");
  command("file lost.sh", "contradicted in 2: there is no lost.sh");
  command(
    "module tools.gen",
    "proven in 1: the module tools.gen is here [tools/gen/__init__.py:0]",
  );
  command("module lost", "unknown in 1: no module lost is here; it may be installed");
  command("strange thing", "unknown in 0: there is no rule for commands of strange");
});

test("a Makefile that makes rules of its own contradicts nothing", () => {
  const files = { Makefile: "%.o: %.c\n\tcc\n" };
  check(
    "command",
    ["make", "x.o"],
    "unknown in 2: no Makefile has a rule that is called x.o, but some make rules [Makefile:1]",
    { files },
  );
});

test("a program's subcommands are known where the program is made", () => {
  const command = (words, expected) => check("command", words.split(" "), expected);
  command("program app run", "proven in 2: code of app names run [src/main.rs:1]");
  command("program app lost", "contradicted in 3: nothing here names lost [Cargo.toml:2]");
  command("program other run", "unknown in 1: nothing here makes a program other");
});

test("a flag is known as it is written, as a field, or in humps", () => {
  const files = { ...FILES, "src/cli.js": 'option("--max")\noptions: { top: { type: "string" } }' };
  check("flag", ["--max"], "proven in 1: code knows --max [src/cli.js:1]", { files });
  check("flag", ["--top"], "proven in 2: code knows it as top [src/cli.js:2]", { files });
  check("flag", ["--input", "app"], "proven in 2: code knows it as input [src/main.rs:2]");
  check("flag", ["--dry-run"], "proven in 2: code knows it as dry-run [src/main.rs:2]");
  check("flag", ["--log-level"], "proven in 3: code knows it as logLevel [src/main.rs:2]");
  check("flag", ["--lost"], "contradicted in 2: no code knows --lost");
  check("flag", ["--lost-too"], "contradicted in 3: no code knows --lost-too");
  check(
    "flag",
    ["--lost", "other"],
    "unknown in 1: nothing here makes other, so its flags are not ours to know",
  );
});

test("a variable is known whole, or as a prefix and a key", () => {
  check("env", ["ROUTES_MAX"], "proven in 1: code knows ROUTES_MAX [src/main.rs:3]");
  check("env", ["APP_DATA_DIR"], "proven in 2: code has the prefix and the key [src/main.rs:4]");
  check(
    "env",
    ["OTHER_RETRY_MAX"],
    "unknown in 2: no code knows OTHER_RETRY_MAX, but a key of that name [src/main.rs:4]",
  );
  check("env", ["LOST_NAME"], "contradicted in 2: no code knows LOST_NAME");
});

test("a key is known with what is above it", () => {
  check("key", ["retry_max"], "proven in 1: code knows retry_max [src/main.rs:4]");
  check("key", ["steps"], "proven in 1: code knows steps [src/limits.rs:1]");
  check("key", ["Limits.steps"], "proven in 2: code knows Limits and steps [src/limits.rs:1]");
  check(
    "key",
    ["steps", "lost"],
    "contradicted in 2: code knows steps, but no lost [src/limits.rs:1]",
  );
  check("key", ["retry-max"], "proven in 2: code spells retry-max in another way [src/main.rs:4]");
  check("key", ["lost"], "contradicted in 2: no code knows lost");
});

test("a name is defined, used, or not known", () => {
  check(
    "name",
    ["read_all()", "read_all"],
    "proven in 1: read_all is defined here [src/main.rs:5]",
  );
  check("name", ["A::RunArgs", "RunArgs"], "proven in 1: RunArgs is defined here [src/main.rs:2]");
  check("name", ["/v1/runs/{id}", "/v1/runs"], "proven in 1: code uses /v1/runs [src/main.rs:6]");
  check(
    "name",
    ["readAll", "readAll"],
    "unknown in 2: no code knows readAll, but a name that is like it [src/main.rs:5]",
  );
  check("name", ["lost()", "lost"], "contradicted in 2: no code knows lost");
  check("name", ["lost-name"], "unknown in 2: no code knows lost-name, which may be just a word");
});

test("a number is proven by a count or by code, and another number is a hint", () => {
  check("number", ["2", "examples"], "proven in 1: examples/ has 2 entries [examples/:0]");
  check("number", ["67", "routes"], "proven in 1: code says so [src/main.rs:3]");
  check("number", ["64", "routes"], "proven in 1: code says so [src/main.rs:3]");
  check("number", ["9", "routes"], "unknown in 2: other numbers are near routes [src/main.rs:3]");
  check("number", ["9", "whales"], "unknown in 2: nothing here counts whales");
});

test("a version is what manifests and lock files say", () => {
  check("version", ["1.95", "Rust"], "proven in 1: manifests say 1.95 [Cargo.toml:3]");
  check("version", ["1.95.0", "Rust"], "proven in 1: manifests say 1.95.0 [Cargo.toml:3]");
  check("version", ["18", "Node"], "proven in 1: manifests say 18 [package.json:1]");
  check("version", ["0.15", "cel"], "proven in 1: manifests say 0.15 [Cargo.lock:2]");
  check(
    "version",
    ["0.14", "cel"],
    "contradicted in 2: manifests have another version of cel [Cargo.lock:2]",
  );
  check("version", ["3.1", "whales"], "unknown in 3: no manifest has a version of whales");
});

test("what was not searched whole contradicts nothing", () => {
  check(
    "link",
    ["lost.md"],
    "unknown in 2: there is no lost.md, but not all of the folder could be searched",
    { truncated: true },
  );
  check(
    "path",
    ["lib/guide.md"],
    "unknown in 2: there is no lib/guide.md; something of that name is elsewhere [docs/guide.md:0]",
    { truncated: true },
  );
});

test("a workflow can allow fewer looks, and never more than four", () => {
  const looks = (looks_again_max, subjects) =>
    judged("path", subjects, { config: { looks_again_max } });
  assert.equal(looks(0, ["lost.rs"]), "unknown in 1: not settled after 1 looks");
  assert.equal(looks(1, ["lost/file.rs"]), "unknown in 2: not settled after 2 looks");
  assert.equal(looks(99, ["lost/file.rs"]), "contradicted in 3: there is no lost/file.rs");
});

test("a kind that nobody knows is unknown, not an exception", () => {
  check("mood", ["happy"], "unknown in 0: there is no rule for claims of the kind mood");
  check("constructor", ["x"], "unknown in 0: there is no rule for claims of the kind constructor");
});

test("evidence is bounded", () => {
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`f${at}.rs`, "a_b"]));
  const { evidence } = verify(
    { claim: { kind: "env", subjects: ["a_b"] }, folder: { files: [] } },
    {},
    { searcher: () => searchIn(files) },
  );
  assert.equal(evidence.length, 5);
});

test("signs of a stranger are no pattern", () => {
  for (const kind of ["path", "link", "flag", "env", "key", "name", "number", "version"]) {
    for (const text of ["a+(b", "[", "*", "\\", "{,", "$^", "--(x"]) {
      assert.match(judged(kind, [text, text]), /^(unknown|contradicted|proven) in /);
    }
  }
  for (const how of ["make", "just", "npm", "file", "module", "program"]) {
    assert.match(judged("command", [how, "a+(b", "["]), /^(unknown|contradicted) in /);
  }
});
