import { call, list } from "workflowforge:plugin/tools@0.1.0";
import { complete } from "workflowforge:plugin/llm@0.1.0";
import { defineAgent, failed } from "@workflowforge/sdk";
import { makeHost } from "./host.js";
import { verify } from "./verify.js";

export const agent = defineAgent((input, { config }) =>
  verify(input, config ?? {}, makeHost({ list, call, complete, failed })),
);
