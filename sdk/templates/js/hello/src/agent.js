import { defineAgent, invalidInput } from "@workflowforge/sdk";

export const agent = defineAgent({
  description: "Greets whoever it is told of.",
  input: {
    type: "object",
    required: ["name"],
    properties: { name: { type: "string", description: "Whom to greet." } },
  },
  output: {
    type: "object",
    required: ["greeting"],
    properties: { greeting: { type: "string", description: "The greeting." } },
  },
  run({ name }) {
    if (name === "") throw invalidInput("no_name", "name is empty: whom shall I greet?");
    console.log("greeting");
    return { greeting: `Hello, ${name}!` };
  },
});
