// One claim: the rule of its kind looks at the folder until it is settled, and a model, if there is
// one, goes on where the rule did not prove it.

import { unknown } from "./judgement.js";
import { judge } from "./model.js";
import { RULES } from "./rules/index.js";

const LOOKS_AGAIN_MAX = 3;
const EVIDENCE_MAX = 5;

/** The verdict on `claim`. `host` searches and asks the model. */
export function verify({ claim, folder, model }, config, host) {
  const looksMax = 1 + Math.min(config.looks_again_max ?? LOOKS_AGAIN_MAX, LOOKS_AGAIN_MAX);
  const looking = counted(host.searcher(folder, config.tool));
  const ruled = { ...follow(claim, looking, looksMax), by: "rules" };
  const asked = model ?? config.model;
  const settled =
    asked && ruled.verdict !== "proven" ? judge(claim, ruled, asked, looking, host) : ruled;
  return {
    id: claim.id ?? "",
    verdict: settled.verdict,
    evidence: settled.hits
      .slice(0, EVIDENCE_MAX)
      .map(({ file, line, text }) => ({ file, line, text })),
    why: settled.why + problems(looking),
    looks: looking.count,
    by: settled.by,
  };
}

/** Lets the rule look until it is settled, or has looked often enough. */
export function follow(claim, looking, looksMax) {
  const rule = Object.hasOwn(RULES, claim.kind) ? RULES[claim.kind] : undefined;
  if (rule === undefined) return unknown(`there is no rule for claims of the kind ${claim.kind}`);
  const steps = rule(claim.subjects);
  let step = steps.next();
  while (!step.done) {
    if (looking.count >= looksMax) return unknown(`not settled after ${looksMax} looks`);
    step = steps.next(looking.look(step.value));
  }
  return step.value;
}

/** Counts the looks and remembers what went wrong in them. */
function counted(search) {
  const looking = { count: 0, problems: new Set() };
  looking.look = (queries) => {
    looking.count += 1;
    const results = search(queries);
    for (const { problem } of results) if (problem !== undefined) looking.problems.add(problem);
    return results;
  };
  return looking;
}

function problems({ problems }) {
  return problems.size === 0 ? "" : ` (a search failed: ${[...problems].join("; ")})`;
}
