import { defineAgent } from "@workflowforge/sdk";
import { digest } from "./digest.js";

export const agent = defineAgent(({ section, sentences }) => digest(section.text, sentences));
