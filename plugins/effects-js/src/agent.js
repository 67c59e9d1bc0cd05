import { defineAgents } from "@workflowforge/sdk";
import { exactlyOnce } from "./exactly-once.js";

export const agent = defineAgents({ "exactly-once": exactlyOnce });
