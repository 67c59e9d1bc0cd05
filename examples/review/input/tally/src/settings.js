import { readFileSync } from "node:fs";
import { parse } from "yaml";

const DEFAULTS = { format: "table", max_words: 5000, stop_words: [] };

/** The settings of the file that TALLY_CONFIG names, over the defaults. */
export function settings() {
  const file = process.env.TALLY_CONFIG ?? "config/tally.yaml";
  return { ...DEFAULTS, ...parse(readFileSync(file, "utf8")).output };
}
