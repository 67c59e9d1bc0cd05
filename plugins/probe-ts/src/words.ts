/** What was counted. */
export interface Counted {
  words: number;
}

/** Counts words, or trips in line 9. */
export function count(text: string, trips: boolean): Counted {
  const words: readonly string[] = text.split(/\s+/).filter((word: string): boolean => word !== "");
  if (trips) throw new TypeError("tripped" as string);
  return { words: words.length } satisfies Counted;
}
