// Numbers and versions: what the folder counts, and what its manifests say.

import { contradicted, hitsOf, proven, unknown } from "../judgement.js";
import * as query from "../query.js";

/** How manifests call a language. */
const ALIASES = {
  rust: "(?:rust-version|channel|rust)",
  rustc: "(?:rust-version|channel|rust)",
  "node.js": "node",
  python: "(?:requires-python|python_requires|python)",
  golang: "go",
  postgresql: "postgres(?:ql)?",
};

/** How many of something there are. Only a count proves it; another number elsewhere is a hint. */
export function* number([digits, noun]) {
  const count = numberPattern(digits);
  const stem = singular(noun);
  const said = `\\b${count}[ \\t]+(?:[\\w-]+[ \\t]+)?${query.escape(noun)}\\b`;
  const set = `\\b\\w*${query.escape(stem)}\\w*\\b[^\\n]{0,40}[=:(\\[][ \\t]*${count}(?:[^\\w.]|$)`;
  const [folders, stated] = yield [
    query.path(`${noun}/`),
    query.anyCase(query.regex(`${said}|${set}`)),
  ];
  const counted = folders.hits.filter(({ text }) => entriesOf(text) === Number(digits));
  if (counted.length > 0) return proven(`${counted[0].file} has ${digits} entries`, counted);
  if (stated.hits.length > 0) return proven(`code says so`, stated.hits);
  const numbered = `\\b\\w*${query.escape(stem)}\\w*\\b\\s*(?::\\s*[\\w<>]+\\s*)?=\\s*\\d[\\d_]*\\b`;
  const [others] = yield [query.anyCase(query.regex(numbered))];
  const hits = hitsOf(others, folders);
  return unknown(
    hits.length > 0 ? `other numbers are near ${noun}` : `nothing here counts ${noun}`,
    hits,
  );
}

/** 4096 as 4,096 or 4_096 as well. */
const numberPattern = (digits) => query.escape(digits).replace(/\B(?=(\d{3})+$)/g, "[,_]?");

function singular(noun) {
  if (noun.endsWith("ies")) return `${noun.slice(0, -3)}y`;
  return noun.replace(/(?<=x|ch|sh|ss)es$|s$/, "");
}

/** `folder, 9 entries, 40 files`. */
function entriesOf(text) {
  const match = /^folder, (\d+) entries/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** A version of something, as manifests and lock files have it. */
export function* version([wanted, named]) {
  const lower = named.toLowerCase();
  const name = Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : query.escape(named);
  const exact = versionPattern(wanted);
  const end = "(?:[^\\d]|$)";
  const [said, locked] = yield [
    manifests(`\\b${name}\\b["']?[^\\n\\d]{0,60}${exact}${end}`),
    manifests(`name\\s*=\\s*"${name}"\\s+version\\s*=\\s*"${exact}${end}`),
  ];
  const right = hitsOf(said, locked);
  if (right.length > 0) return proven(`manifests say ${wanted}`, right);
  const other = "\\d+(?:\\.\\d+)+";
  const [declared, lockedOther] = yield [
    manifests(`(?:^|["' \\t/])${name}["']?[ \\t]*[:=@><~^]+[^\\n\\d]{0,40}${other}`),
    manifests(`name\\s*=\\s*"${name}"\\s+version\\s*=\\s*"${other}`),
  ];
  const wrong = hitsOf(declared, lockedOther);
  if (wrong.length > 0) return contradicted(`manifests have another version of ${named}`, wrong);
  const [anywhere] = yield [query.regex(`(?:^|[^\\d.])${exact}${end}`, query.MANIFESTS)];
  return unknown(`no manifest has a version of ${named}`, anywhere.hits);
}

/** 1.95 is 1.95.2 as well; 1.96.0 is written 1.96 too. */
function versionPattern(wanted) {
  const parts = wanted.split(".");
  if (parts.length < 3) return `${query.escape(wanted)}(?:\\.\\d+)*`;
  if (parts.at(-1) !== "0") return query.escape(wanted);
  return `${query.escape(parts.slice(0, -1).join("."))}(?:\\.0)?`;
}

const manifests = (text) => query.anyCase(query.regex(text, query.MANIFESTS));
