import { type Ctx, defineAgent, upstream } from "@workflowforge/sdk";

interface Input {
  url: string;
}

export const agent = defineAgent({
  description: "Fetches a page and says its title.",
  input: {
    type: "object",
    required: ["url"],
    properties: {
      url: {
        type: "string",
        description: "The page; plugin.toml says on which servers it may be.",
      },
    },
  },
  output: {
    type: "object",
    required: ["title"],
    properties: { title: { type: "string", description: "The title; empty where there is none." } },
  },
  run({ url }: Input, ctx: Ctx) {
    const response = ctx.http.fetch({ url });
    const { status } = response;
    if (status < 200 || status >= 300) {
      // A server that is busy may do better later; the workflow's `retry` decides.
      const retryable = status >= 500;
      throw upstream(`http_${status}`, `${url} answered with the status ${status}`, { retryable });
    }
    return { title: titleIn(response.text()) };
  },
});

/** What stands between `<title>` and `</title>`, in one line. */
function titleIn(page: string): string {
  const title = /<title>([^]*?)<\/title>/.exec(page)?.[1] ?? "";
  return title.trim().split(/\s+/).join(" ");
}
