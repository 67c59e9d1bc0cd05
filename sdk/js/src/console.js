// `console` over the host's log.

const LEVELS = {
  trace: "trace",
  debug: "debug",
  log: "info",
  info: "info",
  dir: "info",
  warn: "warn",
  error: "error",
};

/** A console whose lines go to `write(level, message, fields)`. */
export function makeConsole(write) {
  const line =
    (level) =>
    (...values) =>
      write(level, values.map(text).join(" "), []);
  const lines = Object.entries(LEVELS).map(([name, level]) => [name, line(level)]);
  return {
    ...Object.fromEntries(lines),
    assert: (holds, ...values) => {
      if (!holds) line("error")("assertion failed", ...values);
    },
  };
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
