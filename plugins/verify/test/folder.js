// A folder in memory, searched as wforge/search does, as far as the tests need it.

/** A function that answers queries about `files`, a map from path to text. */
export function searchIn(files, { truncated = false } = {}) {
  return (queries) => queries.map((query) => ({ hits: hitsOf(files, query), truncated }));
}

function hitsOf(files, { kind, text, files: only, except, ignore_case: anyCase }) {
  const scope = Object.keys(files).filter(
    (path) =>
      (only === undefined || globs(only).test(path)) &&
      (except === undefined || !globs(except).test(path)),
  );
  if (kind === "path") return named(scope, text);
  if (kind === "glob") return scope.filter((path) => globs(text).test(path)).map(fileHit);
  const pattern = new RegExp(kind === "word" ? wordPattern(text) : text, anyCase ? "mi" : "m");
  return scope.flatMap((path) => {
    const match = pattern.exec(files[path]);
    if (match === null) return [];
    const line = files[path].slice(0, match.index).split("\n").length;
    return [{ file: path, line, text: files[path].split("\n")[line - 1].trim() }];
  });
}

const fileHit = (file) => ({ file, line: 0, text: "file, 1 bytes" });

function named(paths, text) {
  const wanted = text.replace(/^\.\//, "").replace(/\/$/, "");
  const isEnd = (path) => path === wanted || path.endsWith(`/${wanted}`);
  const isFile = (path) => !text.endsWith("/") && isEnd(path);
  const folders = new Map();
  for (const path of paths) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      if (!isEnd(folder)) continue;
      folders.set(folder, (folders.get(folder) ?? new Set()).add(parts[depth]));
    }
  }
  const inside = ([path, entries]) => ({
    file: `${path}/`,
    line: 0,
    text: `folder, ${entries.size} entries, 1 files`,
  });
  return [...paths.filter(isFile).map(fileHit), ...[...folders].map(inside)];
}

function globs(glob) {
  const escaped = glob
    .replace(/[.+^$()|[\]\\]/g, "\\$&")
    .replace(/\*\*\//g, "\u0000")
    .replace(/\*/g, "[^/]*")
    .replace(/\?/g, "[^/]")
    .replaceAll("\u0000", "(?:.*/)?")
    .replace(/\{([^}]*)\}/g, (_, body) => `(?:${body.replaceAll(",", "|")})`);
  return new RegExp(`^${glob.includes("/") ? "" : "(?:.*/)?"}${escaped}$`);
}

function wordPattern(text) {
  const part = text.includes("-") ? "[\\w-]" : "\\w";
  const escaped = text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const before = /^[\w-]/.test(text) ? `(?<!${part})` : "";
  return `${before}${escaped}(?!${part})`;
}
