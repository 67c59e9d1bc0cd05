// A rule for each kind of claim: a generator that gives lists of queries, gets their results, and
// returns a judgement. What it gives is one look; the first is the plainest.

import { command } from "./command.js";
import { number, version } from "./count.js";
import { link, path } from "./path.js";
import { env, flag, key, name } from "./word.js";

export const RULES = { command, env, flag, key, link, name, number, path, version };
