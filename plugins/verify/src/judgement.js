// What a rule or a model says in the end: a verdict, why, and the hits that show it.

export const proven = (why, hits) => ({ verdict: "proven", why, hits });
export const contradicted = (why, hits = []) => ({ verdict: "contradicted", why, hits });
export const unknown = (why, hits = []) => ({ verdict: "unknown", why, hits });

/** Nothing was found: a contradiction, if everything was searched. */
export function absent(why, results, hits = []) {
  const whole = results.every(({ truncated }) => !truncated);
  return whole
    ? contradicted(why, hits)
    : unknown(`${why}, but not all of the folder could be searched`, hits);
}

/** All hits of some results, in order. */
export const hitsOf = (...results) => results.flatMap(({ hits }) => hits);
