// A summary of a text made of its own sentences, its keywords, and how much of it they cover.
//
// Sentences are ranked as TextRank does: each is a vertex, edges weigh how many words two of them
// share, and rank flows along the edges. Work is bounded, as the engine below is an interpreter.

import { rank } from "./rank.js";
import { sentencesOf } from "./sentences.js";
import { termsOf } from "./terms.js";

/** How much of a text is read, in characters; the rest is too far from its beginning to matter. */
export const CHARACTERS_MAX = 100_000;
/** How many sentences enter the graph: its edges grow with the square of them. */
export const SENTENCES_MAX = 60;
const KEYWORDS_MAX = 8;
const SUMMARY_SENTENCES_MAX = 20;

/** Digests a text. `wanted` is the number of sentences in the summary. */
export function digest(text, wanted = 1) {
  const read = text.slice(0, CHARACTERS_MAX);
  const sentences = sentencesOf(read).map((line) => ({ line, terms: termsOf(line) }));
  const weights = weightsOf(sentences);
  const candidates = heaviest(sentences, weights);
  const chosen = choose(candidates, clamp(wanted));
  return {
    summary: chosen.map(({ line }) => line).join(" "),
    keywords: keywordsOf(weights),
    coverage: coverageOf(chosen, weights),
    sentences: chosen.length,
    characters_read: read.length,
  };
}

const clamp = (wanted) => Math.max(1, Math.min(SUMMARY_SENTENCES_MAX, Math.round(wanted)));

/** How often each term occurs. */
function weightsOf(sentences) {
  const weights = new Map();
  for (const { terms } of sentences) {
    for (const term of terms) weights.set(term, (weights.get(term) ?? 0) + 1);
  }
  return weights;
}

/** At most SENTENCES_MAX of them, those of most weight, in the text's order. */
function heaviest(sentences, weights) {
  // What a text repeats, such as a footer, is worth saying once.
  const first = new Map(sentences.map((sentence, at) => [sentence.line, at]).reverse());
  const useful = sentences.filter(
    ({ line, terms }, at) => terms.length > 0 && first.get(line) === at,
  );
  if (useful.length <= SENTENCES_MAX) return useful;
  const weigh = ({ terms }) => terms.reduce((sum, term) => sum + weights.get(term), 0);
  const byWeight = useful.map((sentence, at) => ({ sentence, at, weight: weigh(sentence) }));
  byWeight.sort((one, other) => other.weight - one.weight || one.at - other.at);
  const kept = byWeight.slice(0, SENTENCES_MAX).sort((one, other) => one.at - other.at);
  return kept.map(({ sentence }) => sentence);
}

/** The best `wanted` of them, in the text's order. */
function choose(candidates, wanted) {
  const ranks = rank(candidates.map(({ terms }) => new Set(terms)));
  const order = candidates.map((_, at) => at);
  order.sort((one, other) => ranks[other] - ranks[one] || one - other);
  const best = order.slice(0, wanted).sort((one, other) => one - other);
  return best.map((at) => candidates[at]);
}

function keywordsOf(weights) {
  const terms = [...weights].sort(
    ([one, often], [other, seldom]) => seldom - often || (one < other ? -1 : 1),
  );
  return terms.slice(0, KEYWORDS_MAX).map(([term]) => term);
}

/** The share of all terms' weight that the chosen sentences mention; 1 where there is nothing. */
function coverageOf(chosen, weights) {
  const sum = (terms) => [...terms].reduce((total, term) => total + weights.get(term), 0);
  const total = sum(weights.keys());
  if (total === 0) return 1;
  const covered = sum(new Set(chosen.flatMap(({ terms }) => terms)));
  return Math.round((covered / total) * 10_000) / 10_000;
}
