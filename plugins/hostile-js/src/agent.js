import { defineAgents } from "@workflowforge/sdk";

export const agent = defineAgents({
  main: ({ given }) => {
    merge({}, given);
    return { given, common: {}.polluted ?? null };
  },
});

/** As careless as many: `__proto__` is a key like any other to it. */
function merge(into, from) {
  for (const key of Object.keys(from ?? {})) {
    if (typeof from[key] === "object" && typeof into[key] === "object") merge(into[key], from[key]);
    else into[key] = from[key];
  }
}
