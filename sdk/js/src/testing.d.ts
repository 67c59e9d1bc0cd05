import type { Agent, AgentDefinition, Blob, Ctx, Failure, Run, Scope } from "./index.js";

/** What a model answers: a text, a response, or JSON that it writes. */
export type ScriptedLlm =
  | string
  | {
      text?: string;
      toolCalls?: readonly { id?: string; name: string; arguments?: unknown }[];
      finish?: string;
      usage?: { inputTokens?: number; outputTokens?: number };
      model?: string;
    }
  | { readonly [field: string]: unknown }
  | Failure;

/** What a server answers: a body, a response, or a failure. */
export type ScriptedHttp =
  | string
  | Uint8Array
  | {
      status?: number;
      headers?: { readonly [name: string]: string } | readonly (readonly [string, string])[];
      body?: unknown;
      json?: unknown;
    }
  | Failure;

export interface MockReply {
  readonly output: any;
  /** A name, or what was sent along with it. */
  readonly exits: (string | { name: string; input: any })[];
}

/**
 * A host for unit tests. It answers what it was told, each answer once; memory, blobs, sleeping and
 * events work as they do in a host; the rest is denied with the method to call.
 */
export class MockHost {
  config(json: unknown): this;
  context(json: unknown): this;
  llm(answer: ScriptedLlm): this;
  /** The URL may end in `*`. */
  http(url: string, response: ScriptedHttp): this;
  tool(name: string, answer: unknown): this;
  ask(answer: unknown): this;
  kv(scope: Scope, key: string, value: unknown): this;
  /** What stands in the memory, or undefined. */
  stored(scope: Scope, key: string): any;
  secret(name: string, value: string): this;
  /** Keeps a blob; the reference to put into an input. */
  blob(mediaType: string, content: string | Uint8Array): Blob;
  /** `llm`, `llm:fast`, `kv:run`, `kv:run:rw` for writing, `http:api.example.com`, `blobs`, … */
  deny(capability: string): this;
  clockMs(ms: number): this;
  /** Calls the agent. Its `Failure` is thrown. */
  run(
    agent: Agent | Run | AgentDefinition<any, any, any>,
    input?: unknown,
    call?: { agent?: string; attempt?: number; task?: string; thread?: string; node?: string },
  ): MockReply;
  /** A context for code that is called by itself; `globalThis` stays node's. */
  ctx(): Ctx;
  /** What the agent did, a line each, such as `ask Publish?` or `sleep 250`. */
  done(): string[];
  /** Log lines, those of `console` too, such as `info counting words=3`. */
  logs(): string[];
  /** Pairs of a topic and what was emitted under it. */
  events(): [topic: string, payload: any][];
}
