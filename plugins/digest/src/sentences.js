// A Markdown or plain text as sentences to read: without code, markup and table rules.
//
// The text is a stranger's, so no expression here may take more than linear time: each repetition
// is bounded, or what follows it cannot fail.

const SENTENCE_CHARACTERS_MAX = 600;
const ABBREVIATION_CHARACTERS_MAX = 12;
// A full stop after these ends no sentence.
const ABBREVIATION =
  /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|Dr|Mr|Mrs|Ms|Prof|No|Fig|approx|z\.B|bzw)\.$/;

/** The text's sentences in order. */
export function sentencesOf(text) {
  return blocksOf(withoutCode(text)).flatMap(split);
}

/** Fenced code goes; a fence that nobody closes goes to the end. */
function withoutCode(text) {
  const kept = [];
  let fence;
  for (const line of text.split("\n")) {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) {
      if (mark === undefined) kept.push(line);
      else {
        fence = mark;
        kept.push("");
      }
    } else if (mark?.startsWith(fence)) fence = undefined;
  }
  return kept;
}

/** Paragraphs, list items and rows of tables, each on one line and without its markup. */
function blocksOf(lines) {
  const blocks = [];
  let open = [];
  const close = () => {
    if (open.length > 0) blocks.push(plain(open.join(" ")));
    open = [];
  };
  for (const line of lines) {
    if (/^\s*(?:[|:+=-][\s|:+=-]*)?$/.test(line)) close();
    else {
      const item = /^\s*(?:[-*+|]|\d{1,9}[.)]|>+)\s+(?:\[[ xX]\]\s+)?/.exec(line);
      if (item !== null) close();
      open.push(line.slice(item?.[0].length ?? 0).trim());
    }
  }
  close();
  return blocks.filter((block) => block !== "");
}

/** A line's words without Markdown's signs. Blanks go first: the rest relies on single ones. */
function plain(line) {
  return line
    .replace(/\s+/g, " ")
    .replace(/!?\[([^\[\]]*)\]\([^()\s]*(?: [^()]*)?\)/g, "$1")
    .replace(/<[^<>]{1,200}>/g, "")
    .replace(/[*~`]{1,3}(?=\S)|(?<=\S)[*~`]{1,3}/g, "")
    .replace(/(?<![\p{L}\p{N}])_{1,3}(?=\S)|(?<=\S)_{1,3}(?![\p{L}\p{N}])/gu, "")
    .replace(/ ?\| ?/g, " ")
    .replace(/^#{1,6} /, "")
    .trim();
}

function split(block) {
  const sentences = [];
  let start = 0;
  for (const match of block.matchAll(/[.!?…]{1,3}["'”’)\]]{0,2} (?=["'“‘([]?[\p{Lu}\p{N}])/gu)) {
    const end = match.index + match[0].length;
    const tail = block.slice(Math.max(start, end - ABBREVIATION_CHARACTERS_MAX), end).trimEnd();
    if (!ABBREVIATION.test(tail)) {
      sentences.push(block.slice(start, end).trim());
      start = end;
    }
  }
  sentences.push(block.slice(start).trim());
  return sentences.filter((sentence) => sentence !== "").map(cut);
}

function cut(sentence) {
  if (sentence.length <= SENTENCE_CHARACTERS_MAX) return sentence;
  return `${sentence.slice(0, SENTENCE_CHARACTERS_MAX).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
