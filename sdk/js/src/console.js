// `console` over the host's log.

const LEVELS = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };

/** A console whose lines go to `write(level, message, fields)`. */
export function makeConsole(write) {
  const line =
    (level) =>
    (...values) =>
      write(level, values.map(text).join(" "), []);
  return Object.fromEntries(Object.entries(LEVELS).map(([name, level]) => [name, line(level)]));
}

function text(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Objects that hold themselves have no JSON.
    return String(value);
  }
}
