import { defineAgents } from "@workflowforge/sdk";
import { atTop, globals } from "./globals.js";

export const agent = defineAgents({
  globals,
  chance: (_input, ctx) => {
    const drawn = { uuid: crypto.randomUUID(), number: Math.random() };
    // A question of another text would be another effect, and the run would fail.
    ctx.ask(`go on with ${drawn.uuid} and ${drawn.number}?`);
    return { ...drawn, atTop };
  },
  large: ({ url }) => ({ characters: fetch(url).text().length }),
});
