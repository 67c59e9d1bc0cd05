// Every recorded effect in a fixed order, for the host's own tests of rerunning.
//
// `effects-rust` and `effects-python` do the same in the same order; change all three together.

/** Five rounds, two questions and a sleep. */
export function exactlyOnce(input, ctx) {
  const seen = { answers: [], posts: [], kv: [], said: [] };
  round(ctx, input, seen, 1);
  round(ctx, input, seen, 2);
  seen.said.push(ctx.ask("first?"));
  round(ctx, input, seen, 3);
  ctx.sleep(50);
  round(ctx, input, seen, 4);
  seen.said.push(ctx.ask("second?"));
  round(ctx, input, seen, 5);
  return seen;
}

/** Asks the model, posts its answer and writes it down. */
function round(ctx, { model, url }, seen, n) {
  const before = seen.answers.at(-1);
  const question = before === undefined ? `question ${n}` : `question ${n}: ${before}`;
  const text = ctx.llm.prompt(model, question);
  const response = ctx.http.fetch({ method: "POST", url, json: { n, text } });
  seen.posts.push({ status: response.status, body: response.text() });
  const key = `k${n}`;
  seen.kv.push({ key, version: ctx.kv.set("run", key, text) });
  seen.answers.push(text);
}
