import { type Ctx, defineAgent } from "@workflowforge/sdk";
import { type Counted, count } from "./words.ts";

interface Input {
  text: string;
  trip?: boolean;
}

export const agent = defineAgent({
  description: "Counts words.",
  input: {
    type: "object",
    required: ["text"],
    properties: { text: { type: "string" }, trip: { type: "boolean" } },
  },
  output: { type: "object", required: ["words"], properties: { words: { type: "integer" } } },
  run: (input: Input, ctx: Ctx): Counted => {
    ctx.log("info", "counting", { characters: input.text.length });
    return count(input.text, input.trip === true);
  },
});
