// TextRank: rank flows between sentences that share words until it settles.
// Source: R. Mihalcea and P. Tarau, "TextRank: Bringing Order into Texts", 2004.

const DAMPING = 0.85;
const ROUNDS_MAX = 30;
const SETTLED = 1e-4;

/** A rank for each set of terms. */
export function rank(sets) {
  const edges = edgesOf(sets);
  const strength = edges.map((row) => row.reduce((sum, [, weight]) => sum + weight, 0));
  let ranks = sets.map(() => 1);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const next = edges.map(
      (row) =>
        1 -
        DAMPING +
        DAMPING * row.reduce((sum, [at, weight]) => sum + (weight / strength[at]) * ranks[at], 0),
    );
    const moved = Math.max(0, ...next.map((value, at) => Math.abs(value - ranks[at])));
    ranks = next;
    if (moved < SETTLED) break;
  }
  return ranks;
}

/** For each set the others that share terms with it, and how much. */
function edgesOf(sets) {
  const edges = sets.map(() => []);
  for (let one = 0; one < sets.length; one += 1) {
    for (let other = one + 1; other < sets.length; other += 1) {
      const weight = similarity(sets[one], sets[other]);
      if (weight > 0) {
        edges[one].push([other, weight]);
        edges[other].push([one, weight]);
      }
    }
  }
  return edges;
}

/** Shared terms, made fair to short sentences. */
function similarity(one, other) {
  let shared = 0;
  for (const term of one) if (other.has(term)) shared += 1;
  return shared === 0 ? 0 : shared / (1 + Math.log(one.size) + Math.log(other.size));
}
