// tally count FILE, tally compare FILE FILE
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { settings } from "./settings.js";
import { countWords } from "./words.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    top: { type: "string", default: "10" },
    "ignore-case": { type: "boolean", default: false },
    format: { type: "string" },
  },
});

const [command, ...files] = positionals;
const read = (file) => countWords(readFileSync(file, "utf8"), values["ignore-case"]);
switch (command) {
  case "count":
    print(read(files[0]));
    break;
  case "compare":
    files.map(read).forEach(print);
    break;
  default:
    console.error("tally count FILE | tally compare FILE FILE");
    process.exit(2);
}

function print(counts) {
  const top = [...counts].slice(0, Number(values.top));
  const format = values.format ?? settings().format;
  if (format === "json") console.log(JSON.stringify(Object.fromEntries(top)));
  else for (const [word, count] of top) console.log(`${count}\t${word}`);
}
