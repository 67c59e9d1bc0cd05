// A sample of everything that authors write; `tsc --strict` must accept it, and refuse what is
// marked with @ts-expect-error.

import { z } from "zod";
import {
  type Ctx,
  Failure,
  Reply,
  decode,
  defineAgent,
  defineAgents,
  encode,
  failed,
} from "@workflowforge/sdk";
import { MockHost } from "@workflowforge/sdk/testing";

interface Words {
  words: number;
}

const plain = defineAgent((input: { text: string }, ctx): Words => {
  ctx.log("info", "counting", { characters: input.text.length });
  return { words: input.text.split(/\s+/).length };
});

const typed = defineAgent({
  description: "Counts words.",
  input: z.object({ text: z.string(), most: z.number().default(10) }),
  output: z.object({ words: z.number() }),
  config: z.object({ model: z.string() }),
  run: (input, ctx) => {
    const most: number = input.most;
    const model: string = ctx.config.model;
    // @ts-expect-error the schema has no such field
    input.missing;
    return new Reply({ words: Math.min(most, ctx.llm.prompt(model, input.text).length) }).goto(
      "on",
    );
  },
});

// @ts-expect-error the output is another
defineAgent({
  output: z.object({ words: z.number() }),
  run: () => ({ words: "three" }),
});

defineAgent({
  input: { type: "object", properties: { n: { type: "number" } } },
  output: true,
  run: (input: { n: number }) => input.n * 2,
});

// @ts-expect-error agents are synchronous
defineAgent(async () => 1);
// @ts-expect-error here as well
defineAgent({ run: async () => 1 });
// @ts-expect-error no field of an agent
defineAgent({ handler: () => 1 });

function everything(_input: unknown, ctx: Ctx): void {
  const answers = ctx.askAll(["One?", { prompt: "Two?", schema: { type: "string" } }]);
  for (const answer of answers) if (answer instanceof Failure) throw answer;
  const secret = ctx.secret("token");
  const response = ctx.http.fetch({
    method: "POST",
    url: "https://api.example.com",
    json: { a: 1 },
    credentials: [{ header: "authorization", template: "Bearer {}", secret }],
  });
  if (response.status !== 200) throw failed("no_luck", response.text(), { retryable: true });
  const version: number = ctx.kv.set("run", "key", response.json(), { ttlMs: 5 });
  const swapped: boolean = ctx.kv.swap("run", "key", version, null);
  // @ts-expect-error no scope
  ctx.kv.get("everywhere", "key");
  const { toolCalls } = ctx.llm.complete({
    model: "fast",
    messages: [{ role: "user", text: "hi" }],
    tools: [{ name: "search", parameters: { type: "object" } }],
  });
  for (const { name, arguments: given } of toolCalls) ctx.tools.call(name, given);
  const blob = ctx.blobs.write("text/plain", encode("text"));
  ctx.emit("done", { swapped, blob, text: decode(ctx.blobs.read(blob)) });
  ctx.sleep(5);
}

const several = defineAgents({ everything, other: { description: "Other.", run: () => null } });

const mock = new MockHost()
  .config({ model: "fast" })
  .context({ user: 1 })
  .llm("fine")
  .llm({ toolCalls: [{ name: "search", arguments: { q: 1 } }] })
  .llm(failed("busy", "try later"))
  .http("https://api.example.com/*", { status: 201, json: { n: 1 } })
  .tool("acme__search", { hits: [] })
  .ask(true)
  .kv("run", "key", 1)
  .secret("token", "value")
  .deny("kv:plugin")
  .clockMs(0);
const { output, exits } = mock.run(typed, { text: "one two" });
mock.run(several, { blob: mock.blob("text/plain", "x") }, { agent: "everything", attempt: 2 });
mock.run(plain);
const lines: string[] = [...mock.done(), ...mock.logs(), ...mock.events().map(([topic]) => topic)];
export { exits, lines, output, plain as agent };
