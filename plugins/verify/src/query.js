// Queries for the search tool.

/** Documents repeat each other, so they prove nothing but that there are documents. */
export const DOCUMENTS = "*.{md,mdx,markdown,rst,adoc}";
/** Neither documents nor data: where what a document promises has to be. */
const NO_CODE =
  "*.{md,mdx,markdown,rst,adoc,csv,tsv,jsonl,ndjson,geojson,svg,log,map,ipynb,min.js,min.css}";
/** Files that say what a project is made of. */
export const MANIFESTS =
  "{Cargo.toml,Cargo.lock,package.json,package-lock.json,pnpm-lock.yaml,yarn.lock,pyproject.toml," +
  "poetry.lock,uv.lock,setup.py,setup.cfg,requirements*.txt,constraints*.txt,go.mod," +
  "rust-toolchain*,.tool-versions,.nvmrc,.node-version,.python-version,.ruby-version," +
  "*Dockerfile*,Containerfile,*.gradle,*.gradle.kts,*.versions.toml,pom.xml,Gemfile*," +
  "composer.json,*.csproj,CMakeLists.txt,*.nix,docker-compose*,compose*.y*ml}";

export const path = (text) => ({ kind: "path", text });
export const glob = (text) => ({ kind: "glob", text });
/** A word in code and configuration. */
export const word = (text) => ({ kind: "word", text, except: NO_CODE });
/** A pattern in code and configuration, or in `files`. */
export const regex = (text, files) => ({
  kind: "regex",
  text,
  ...(files === undefined ? { except: NO_CODE } : { files }),
});
export const anyCase = (query) => ({ ...query, ignore_case: true });

/** Text as a part of a pattern. */
export const escape = (text) => text.replace(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
/** Text as a part of a glob. */
export const escapeGlob = (text) => text.replace(/[*?[\]{}]/g, "?");

const wordsOf = (name) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[_-]+/)
    .filter((part) => part !== "");
const capital = (part) => part.charAt(0).toUpperCase() + part.slice(1);

export const snake = (name) => wordsOf(name).join("_");
export const kebab = (name) => wordsOf(name).join("-");
export const pascal = (name) => wordsOf(name).map(capital).join("");
export const camel = (name) => pascal(name).replace(/^./, (first) => first.toLowerCase());
/** The ways in which code may write a name, without the way it is written. */
export const otherSpellings = (name) =>
  [...new Set([snake(name), kebab(name), pascal(name), camel(name)])].filter(
    (other) => other !== name,
  );
