// Names that code has to know: flags, variables, keys, functions and types.

import { absent, hitsOf, proven, unknown } from "../judgement.js";
import * as query from "../query.js";
import { makersOf } from "./command.js";

/** From this length on a word alone is telling. */
const TELLING_CHARACTERS_MIN = 9;
const DEFINED =
  "\\b(?:fn|def|class|struct|enum|trait|type|interface|const|static|let|var|function|func|mod|" +
  "module|package|macro_rules!|record|union|object|protocol|#define)[ \\t*]+";

/** `--flag`, of a program that may come from elsewhere. */
export function* flag([written, program]) {
  const queries = program === undefined ? [] : makersOf(program);
  const [literal, ...makers] = yield [query.word(written), ...queries];
  if (literal.hits.length > 0) return proven(`code knows ${written}`, literal.hits);
  if (queries.length > 0 && hitsOf(...makers).length === 0) {
    return unknown(`nothing here makes ${program}, so its flags are not ours to know`);
  }
  const name = written.slice(2);
  const [quoted, spelled] = yield [
    query.regex(`["'\`]-{0,2}${query.escape(name)}["'\`]`),
    name.includes("-") ? query.word(query.snake(name)) : query.regex(field(name)),
  ];
  const hits = hitsOf(quoted, spelled);
  if (hits.length > 0) return proven(`code knows it as ${name}`, hits);
  if (!name.includes("-")) return absent(`no code knows ${written}`, [literal, quoted, spelled]);
  const [camel] = yield [query.word(query.camel(name))];
  if (camel.hits.length > 0) return proven(`code knows it as ${query.camel(name)}`, camel.hits);
  return absent(`no code knows ${written}`, [literal, quoted, spelled, camel]);
}

/** A field that a parser of arguments fills. */
const field = (name) =>
  `\\b${query.escape(name)}\\s*:\\s*(?:\\{|Option|Vec|String|bool|PathBuf|&` +
  `|(?:[iu](?:8|16|32|64|size)|str|int|string|boolean|number)\\b)`;

/** A variable, whole, or put together from a prefix and a key. */
export function* env([name]) {
  const [whole] = yield [query.word(name)];
  if (whole.hits.length > 0) return proven(`code knows ${name}`, whole.hits);
  const [prefix, ...rest] = name.split("_");
  const [prefixed, keyed] = yield [
    query.regex(`["'\`]${query.escape(prefix)}_?["'\`]`),
    query.word(rest.join("_").toLowerCase()),
  ];
  if (prefixed.hits.length > 0 && keyed.hits.length > 0) {
    return proven(`code has the prefix and the key`, [prefixed.hits[0], keyed.hits[0]]);
  }
  if (keyed.hits.length > 0 && rest.length > 1) {
    return unknown(`no code knows ${name}, but a key of that name`, keyed.hits);
  }
  return absent(`no code knows ${name}`, [whole, prefixed, keyed]);
}

/** A key of a configuration, below a section or alone. */
export function* key([written, section]) {
  const parts = [...(section === undefined ? [] : section.split(".")), ...written.split(".")];
  const last = parts.at(-1);
  const parent = parts.at(-2);
  const dotted = parts.join(".");
  const [own, whole] = yield [
    query.word(last),
    ...(parent === undefined ? [] : [query.word(dotted)]),
  ];
  if (whole?.hits.length > 0) return proven(`code knows ${dotted}`, whole.hits);
  if (own.hits.length > 0 && (parent === undefined || isTelling(last))) {
    return proven(`code knows ${last}`, own.hits);
  }
  if (own.hits.length > 0) {
    const [above] = yield [query.word(parent)];
    if (above.hits.length > 0) {
      return proven(`code knows ${parent} and ${last}`, [own.hits[0], above.hits[0]]);
    }
    return absent(`code knows ${last}, but no ${parent}`, [above], own.hits);
  }
  const others = yield query.otherSpellings(last).map(query.word);
  const hits = hitsOf(...others);
  if (hits.length > 0) return proven(`code spells ${last} in another way`, hits);
  return absent(`no code knows ${last}`, [own, ...others]);
}

/** A function, a type, a route. */
export function* name([written, last = written]) {
  const isIdentifier = /^\w+$/.test(last);
  const [used, defined] = yield [
    query.word(last),
    ...(isIdentifier ? [query.regex(`${DEFINED}${last}\\b`)] : []),
  ];
  if (defined?.hits.length > 0) return proven(`${last} is defined here`, defined.hits);
  if (used.hits.length > 0) return proven(`code uses ${last}`, used.hits);
  const spellings = isIdentifier || /^[\w-]+$/.test(last) ? query.otherSpellings(last) : [];
  if (spellings.length === 0) return absent(`no code knows ${last}`, [used]);
  const others = yield spellings.map(query.word);
  const hits = hitsOf(...others);
  if (hits.length > 0) return unknown(`no code knows ${last}, but a name that is like it`, hits);
  // Words are joined by `-` in prose as well.
  if (last.includes("-")) return unknown(`no code knows ${last}, which may be just a word`);
  return absent(`no code knows ${last}`, [used, ...others]);
}

const isTelling = (text) => /[_-]|[a-z][A-Z]/.test(text) || text.length >= TELLING_CHARACTERS_MIN;
