// The capabilities of the host as this plugin uses them: several searches at once, and a model.
//
// What is denied or cancelled ends the task, so that an operator sees it; every other failure is a
// value that the caller judges with.

/** How much one host call may carry, in characters: the host's limit, less what is around it. */
const CALL_CHARACTERS_MAX = 6_000_000;
const HITS_MAX = 20;
const FATAL = ["denied", "cancelled"];
/** A model that does not exist is the workflow's mistake; a query that cannot be read is not. */
const FATAL_TO_ASK = [...FATAL, "invalid-input"];
/** How a host calls the tool of wforge/search ends so, however it joins publisher and plugin. */
const SEARCH_TOOL = /(?:^|[^a-z0-9])search$/i;

/** Wraps the imported functions; a test hands in its own. */
export function makeHost({ list, call, complete, failed }) {
  return {
    /** A function that answers a list of queries with a list of results. */
    searcher(folder, tool) {
      const name = tool ?? searchTool(list(), failed);
      const prefix = `{"folder":${JSON.stringify(folder)},"max":${HITS_MAX},"query":`;
      const atOnce = Math.max(1, Math.floor(CALL_CHARACTERS_MAX / prefix.length));
      const request = (query) => ({
        name,
        input: `${prefix}${JSON.stringify(query)}}`,
        options: "{}",
      });
      return (queries) =>
        chunks(queries, atOnce).flatMap((some) => call(some.map(request)).map(searched));
    },
    /** Asks a model once. */
    complete(request) {
      const [answer] = complete([request]);
      return value(answer, FATAL_TO_ASK);
    },
  };
}

function searchTool(tools, failed) {
  const names = tools.map(({ name }) => name).filter((name) => SEARCH_TOOL.test(name));
  const ours = names.find((name) => /wforge/i.test(name)) ?? names[0];
  if (ours !== undefined) return ours;
  throw failed(
    "no_search_tool",
    "no tool here searches a folder; install wforge/search, or name one in the configuration",
  );
}

/** A search that failed found nothing, and shows the absence of nothing. */
function searched(answer) {
  const { ok, failure } = value(answer, FATAL);
  if (failure !== undefined) return { hits: [], truncated: true, problem: failure };
  const { hits = [], truncated = false } = JSON.parse(ok);
  return { hits, truncated };
}

/** `{ ok }`, or `{ failure }` in words. */
function value(answer, fatal) {
  if (answer.tag === "ok") return { ok: answer.val };
  if (fatal.includes(answer.val.tag)) throw { payload: answer.val };
  const { code = answer.val.tag, message = "" } = answer.val.val ?? {};
  return { failure: `${code}: ${message}` };
}

function chunks(items, size) {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
