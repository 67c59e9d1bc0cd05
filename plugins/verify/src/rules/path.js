// Files and folders: there, elsewhere, or made by what is there.

import { absent, contradicted, proven, unknown } from "../judgement.js";
import * as query from "../query.js";

const GLOB_SIGNS = /[*?[{]/;

/** A path in the text; `a/b` may as well be the name of something. */
export function* path([written]) {
  const [here] = yield [GLOB_SIGNS.test(written) ? query.glob(written) : query.path(written)];
  if (here.hits.length > 0) return found(written, here.hits);
  const bare = written.replace(/\/$/, "");
  const [named, like] = yield [namedInCode(bare), query.path(lastPart(bare))];
  if (named.hits.length > 0 && isAmbiguous(written)) {
    return proven(`no path, but code names ${bare}`, named.hits);
  }
  if (named.hits.length > 0) {
    return unknown("not in the folder, but code names it: it may be made later", named.hits);
  }
  if (like.hits.length > 0) return elsewhere(written, here, like);
  if (lastPart(bare) === bare) return absent(`there is no ${written}`, [here, named]);
  const [made] = yield [namedInCode(lastPart(bare))];
  if (made.hits.length > 0) {
    return unknown(`not in the folder, but code names ${lastPart(bare)}`, made.hits);
  }
  return absent(`there is no ${written}`, [here, named, made]);
}

/** A link leads to a file or it does not. */
export function* link([written]) {
  const [here] = yield [query.path(written)];
  if (here.hits.length > 0) return found(written, here.hits);
  const [like] = yield [query.path(lastPart(written.replace(/\/$/, "")))];
  if (like.hits.length > 0) return elsewhere(written, here, like);
  return absent(`there is no ${written}`, [here]);
}

/** A file that is to be run. */
export function* toRun(written) {
  return yield* link([written]);
}

function found(written, hits) {
  const [first] = hits;
  const exact = first.file === written || first.file === `${written}/`;
  return proven(exact ? `${first.file} is there` : `it is ${first.file}`, hits.slice(0, 1));
}

function elsewhere(written, here, like) {
  const why = `there is no ${written}; something of that name is elsewhere`;
  return here.truncated ? unknown(why, like.hits) : contradicted(why, like.hits);
}

/** A plain word is a name of something only where it is quoted, or a part of a path. */
const namedInCode = (bare) =>
  /[./]/.test(bare) ? query.word(bare) : query.regex(`["'\`/]${query.escape(bare)}["'\`/]`);
const lastPart = (written) => written.split("/").at(-1);
const isAmbiguous = (written) => /^[^/.*]+(\/[^/.*]+)+$/.test(written);
