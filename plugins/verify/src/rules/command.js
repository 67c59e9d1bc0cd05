// Commands: the target, script, package or program that they name is made here.

import { absent, contradicted, hitsOf, proven, unknown } from "../judgement.js";
import * as query from "../query.js";
import { toRun } from "./path.js";

const MAKEFILES = "{Makefile,makefile,GNUmakefile,*.mk,Makefile.*}";

/** What kind of command it is stands first. */
export function* command([how, ...rest]) {
  const rule = Object.hasOwn(COMMANDS, how) ? COMMANDS[how] : undefined;
  if (rule === undefined) return unknown(`there is no rule for commands of ${how}`);
  return yield* rule(...rest);
}

const COMMANDS = { make, just, npm, cargo, file: toRun, module: pythonModule, program };

function* make(target) {
  const name = query.escape(target);
  // Several targets may stand before one colon; `:=` is an assignment.
  const rule = `^(?:[\\w./%-]+[ \\t]+)*${name}(?:[ \\t]+[\\w./%-]+)*[ \\t]*::?(?:[^:=]|$)`;
  const [rules, makefiles] = yield [query.regex(rule, MAKEFILES), query.glob(MAKEFILES)];
  if (rules.hits.length > 0) return proven(`a Makefile has the target ${target}`, rules.hits);
  if (makefiles.hits.length === 0) return absent("there is no Makefile", [makefiles]);
  const patterns = "^[^#\\t\\n]*%[^\\n]*:|\\$\\(eval|^include\\b";
  const [mentions, made] = yield [
    { ...query.word(target), files: MAKEFILES },
    query.regex(patterns, MAKEFILES),
  ];
  if (made.hits.length > 0 || mentions.hits.length > 0) {
    const hits = hitsOf(mentions, made);
    const why = `no Makefile has a rule that is called ${target}`;
    return made.hits.length > 0
      ? unknown(`${why}, but some make rules`, hits)
      : contradicted(why, hits);
  }
  return absent(`no Makefile has the target ${target}`, [rules], makefiles.hits);
}

function* just(recipe) {
  const rule = `^@?${query.escape(recipe)}(?:[ \\t][^\\n:]*)?:(?:[^=]|$)`;
  const [rules] = yield [query.regex(rule, "{justfile,Justfile,.justfile,*.just}")];
  if (rules.hits.length > 0) return proven(`a justfile has the recipe ${recipe}`, rules.hits);
  return absent(`no justfile has the recipe ${recipe}`, [rules]);
}

function* npm(script) {
  const [scripts, own] = yield [
    query.regex(`"${query.escape(script)}"\\s*:\\s*"`, "package.json"),
    query.glob("package.json"),
  ];
  if (scripts.hits.length > 0) return proven(`package.json has the script ${script}`, scripts.hits);
  const why =
    own.hits.length > 0 ? `no package.json has the script ${script}` : "there is no package.json";
  return absent(why, [scripts, own], own.hits);
}

function* cargo(what, name) {
  if (what === undefined) {
    const [manifests] = yield [query.glob("Cargo.toml")];
    if (manifests.hits.length > 0)
      return proven("there is a Cargo.toml", manifests.hits.slice(0, 1));
    return absent("there is no Cargo.toml", [manifests]);
  }
  const text = query.escape(name);
  const queries = {
    package: [query.regex(`^name\\s*=\\s*"${text}"`, "Cargo.toml")],
    target: [
      query.glob(`**/{bin,examples,tests,benches}/${query.escapeGlob(name)}{.rs,/main.rs}`),
      query.regex(`^name\\s*=\\s*"${text}"`, "Cargo.toml"),
    ],
    feature: [query.regex(`^"?${text}"?\\s*=\\s*\\[`, "Cargo.toml")],
    alias: [
      query.regex(`^"?${text}"?\\s*=`, "**/.cargo/config*"),
      query.regex(`^name\\s*=\\s*"cargo-${text}"`, "Cargo.toml"),
    ],
  }[what];
  const results = yield queries;
  const hits = hitsOf(...results);
  if (hits.length > 0) return proven(`cargo has the ${what} ${name}`, hits);
  if (what === "alias") return unknown(`cargo ${name} is no alias here; it may be installed`);
  return absent(`cargo has no ${what} ${name} here`, results);
}

/** `python -m a.b`; what is not here may be installed. */
function* pythonModule(name) {
  const file = query.escapeGlob(name).replaceAll(".", "/");
  const [files] = yield [query.glob(`**/${file}{.py,/__main__.py,/__init__.py}`)];
  if (files.hits.length > 0) return proven(`the module ${name} is here`, files.hits);
  return unknown(`no module ${name} is here; it may be installed`);
}

function* program(name, subcommand) {
  const results = yield makersOf(name);
  const makers = hitsOf(...results);
  if (makers.length === 0) return unknown(`nothing here makes a program ${name}`);
  const text = query.escape(subcommand);
  const variant = `\\b${query.escape(query.pascal(subcommand))}\\s*[({,]`;
  const [parsed] = yield [query.regex(`["'\`]${text}["'\`]|${variant}|^\\s*${text}[ |)]`)];
  if (parsed.hits.length > 0) return proven(`code of ${name} names ${subcommand}`, parsed.hits);
  const [mentioned] = yield [query.word(subcommand)];
  if (mentioned.hits.length > 0) {
    return unknown(`${name} is made here, but ${subcommand} is just a word`, mentioned.hits);
  }
  return absent(`nothing here names ${subcommand}`, [parsed, mentioned], makers);
}

/** What shows that a program of that name comes from this folder. */
export function makersOf(name) {
  const text = query.escape(name);
  const named =
    `^\\s*(?:name|command)\\s*[=:]\\s*["']${text}["']` +
    `|["']${text}["']\\s*[:=]|^${text}\\s*=\\s*["']`;
  const file = query.escapeGlob(name);
  return [
    query.regex(named, "{Cargo.toml,package.json,pyproject.toml,setup.py,setup.cfg}"),
    query.glob(`{${file},${file}.sh,${file}.py,${file}.js,${file}.rb,${file}.pl,${file}.bat}`),
    query.glob(`**/cmd/${file}/*.go`),
  ];
}
