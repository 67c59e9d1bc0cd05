/** How often each word occurs, the most frequent first. */
export function countWords(text, ignoreCase) {
  const counts = new Map();
  const words = (ignoreCase ? text.toLowerCase() : text).match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}
