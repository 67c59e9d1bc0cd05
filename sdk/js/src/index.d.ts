/** A JSON Schema as an object. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** What zod, valibot, arktype and others make: https://standardschema.dev */
export interface StandardSchema<Input = any, Output = any> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** JSON Schema, or a schema of a library that can say its JSON Schema, such as zod 4.2 or newer. */
export type Schema = JsonSchema | StandardSchema | { toJSONSchema(options?: any): unknown };

/** What a schema's values are once it has read them; `any` for JSON Schema. */
export type Parsed<S> = S extends StandardSchema<any, infer Output> ? Output : any;

/** What an agent may return: JSON, nothing (null), or a `Reply`. A promise is none of these. */
export type Answer =
  string | number | boolean | null | undefined | void | (object & { readonly then?: never });

/** What an agent with that output schema returns. */
export type AnswerOf<S> =
  S extends StandardSchema<infer Input, any> ? Input | Reply<Input> : Answer;

/** Does the work. It runs from its top again after a question or a sleep. */
export type Run<Input = any, Config = any> = (input: Input, ctx: Ctx<Config>) => Answer;

/** An agent with what it says of itself. */
export interface AgentDefinition<
  Input extends Schema = JsonSchema,
  Output extends Schema = JsonSchema,
  Config extends Schema = JsonSchema,
> {
  /** Its name in plugin.toml; `main` where it is not said. */
  name?: string;
  /** What it does, in a sentence. */
  description?: string;
  /** What it takes. A schema of a library reads the input before `run` sees it. */
  input?: Input;
  /** What it gives; the host checks it. */
  output?: Output;
  /** What a workflow may configure; read as the input is. */
  config?: Config;
  run: (input: Parsed<Input>, ctx: Ctx<Parsed<Config>>) => AnswerOf<Output>;
}

/** What the entry module exports as `agent`. */
export interface Agent {
  invoke(call: unknown): unknown;
}

/** The plugin's only agent. */
export function defineAgent(run: Run): Agent;
export function defineAgent<
  Input extends Schema = JsonSchema,
  Output extends Schema = JsonSchema,
  Config extends Schema = JsonSchema,
>(definition: AgentDefinition<Input, Output, Config>): Agent;

/** Several agents under their names. */
export function defineAgents(agents: {
  readonly [name: string]: Run | AgentDefinition<any, any, any>;
}): Agent;

/** An output with exits, which the workflow maps to nodes. */
export class Reply<Output = unknown> {
  constructor(output: Output);
  /** Also takes the exit. */
  goto(name: string): this;
  /** Also takes the exit and hands an input to the task that it starts. */
  send(name: string, input: unknown): this;
}

export type FailureTag = "invalid-input" | "denied" | "limit" | "upstream" | "cancelled" | "failed";

export interface FailureOptions {
  /** Whether the same call may succeed later. */
  retryable?: boolean;
  retryAfterMs?: number;
  /** Anything else that helps, as JSON. */
  details?: { readonly [name: string]: unknown };
}

/** Why an agent, or a call of the host, did not succeed. Throw one to fail with a code. */
export class Failure extends Error {
  constructor(tag: FailureTag, code: string, message: string, options?: FailureOptions);
  readonly tag: FailureTag;
  /** The problem's code; none where something was denied. */
  readonly code: string | undefined;
  readonly retryable: boolean;
  readonly details: { readonly [name: string]: any };
  /** The contract's failure. */
  readonly payload: { readonly tag: FailureTag; readonly val: any };
}

/** The input cannot be worked on; never retried. */
export function invalidInput(code: string, message: string, options?: FailureOptions): Failure;
/** The agent itself failed. */
export function failed(code: string, message: string, options?: FailureOptions): Failure;
/** A budget is used up. */
export function limit(code: string, message: string, options?: FailureOptions): Failure;
/** A system outside failed. */
export function upstream(code: string, message: string, options?: FailureOptions): Failure;
/** A capability that the agent may not use. */
export function denied(capability: string, resource: string, hint: string): Failure;

/** The bytes of a string in UTF-8. */
export function encode(text: string): Uint8Array;
/** The string of bytes in UTF-8; a `Failure` where they are none. */
export function decode(bytes: Uint8Array): string;

/** What is called, without its input. */
export interface Call {
  readonly agent: string;
  readonly task: string;
  readonly run: string;
  readonly thread?: string;
  readonly workflow: string;
  readonly node: string;
  readonly step: number;
  readonly attempt: number;
  readonly timeoutMs: number;
}

export type Level = "trace" | "debug" | "info" | "warn" | "error";

/** What an agent may do beside computing. Whatever the host refuses is thrown as a `Failure`. */
export interface Ctx<Config = any> {
  readonly call: Call;
  /** The node's configuration; `{}` where there is none. */
  readonly config: Config;
  /** What whoever started the run handed in. */
  readonly context: any;
  /** Writes a log line. */
  log(level: Level, message: string, fields?: { readonly [name: string]: unknown }): void;
  /** Publishes progress. `build.uses` has "events". */
  emit(topic: string, payload: unknown): void;
  /** Waits; the agent then runs from its top again. `build.uses` has "timer". */
  sleep(ms: number): void;
  /** Takes hold of a secret. Need: `secret:<name>:hold`. */
  secret(name: string): Secret;
  /** Asks a person. Need: `ask`. */
  ask(prompt: string, options?: QuestionOptions): any;
  /** Asks several questions at once. */
  askAll(questions: readonly (string | Question)[]): (any | Failure)[];
  readonly blobs: Blobs;
  readonly http: Http;
  readonly kv: Kv;
  readonly llm: Llm;
  readonly tools: Tools;
}

export interface QuestionOptions {
  /** JSON Schema that the answer must fit. */
  schema?: JsonSchema;
  deadlineMs?: number;
  assignee?: string;
  options?: { readonly [name: string]: unknown };
}

export interface Question extends QuestionOptions {
  prompt: string;
}

/** A secret that the plugin may use but not see. */
export interface Secret {
  /** Its text. Need: `secret:<name>:reveal`. */
  reveal(): string;
}

/** A file or large value by reference, as JSON has it. */
export interface Blob {
  readonly $blob: string;
  readonly size: number;
  readonly media_type: string;
  readonly extra?: { readonly [name: string]: unknown };
}

/** Files and large values. `build.uses` has "blobs". */
export interface Blobs {
  /** Writes at most 8 MiB. */
  write(mediaType: string, content: string | Uint8Array): Blob;
  read(blob: Blob, offset?: number, length?: number): Uint8Array;
}

export interface HttpRequest {
  method?: string;
  url: string;
  headers?: { readonly [name: string]: string } | readonly (readonly [string, string])[];
  /** Headers that the host fills: it puts the secret where the template has `{}`. */
  credentials?: readonly { header: string; template?: string; secret: Secret }[];
  /** A body of JSON, with the header that says so. */
  json?: unknown;
  body?: string | Uint8Array | Blob;
  timeoutMs?: number;
  options?: { readonly [name: string]: unknown };
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array | Blob;
  text(): string;
  json(): any;
  readonly extra: any;
}

/** HTTP through the host. Need: `http:<rule>`. Redirects are not followed. */
export interface Http {
  fetch(request: HttpRequest): HttpResponse;
  fetchAll(requests: readonly HttpRequest[]): (HttpResponse | Failure)[];
}

export type Scope = "run" | "thread" | "plugin";

export interface Entry {
  readonly key: string;
  readonly value: any;
  readonly version: number;
}

/** Memory. Need: `kv:<scope>`, or `kv:<scope>:ro` to read alone. */
export interface Kv {
  get(scope: Scope, key: string): any;
  entry(scope: Scope, key: string): Entry | undefined;
  /** The key's new version. */
  set(scope: Scope, key: string, value: unknown, options?: { ttlMs?: number }): number;
  /** Whether it was there. */
  delete(scope: Scope, key: string): boolean;
  list(
    scope: Scope,
    prefix?: string,
    options?: { limit?: number; cursor?: string },
  ): { entries: Entry[]; cursor: string | undefined };
  /** Writes where the key is at that version (undefined: is absent); whether it was. */
  swap(scope: Scope, key: string, expected: number | undefined, value: unknown): boolean;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: any;
}

export type Part =
  | { text: string }
  | { blob: Blob }
  | { toolCall: ToolCall }
  | { toolResult: { id: string; content: unknown; isError?: boolean } }
  | { other: unknown };

export type Message = { role: string; parts: readonly Part[] } | { role: string; text: string };

export interface LlmRequest {
  model: string;
  messages: readonly Message[];
  tools?: readonly { name: string; description?: string; parameters?: JsonSchema }[];
  responseSchema?: JsonSchema;
  maxTokens?: number;
  temperature?: number;
  /** Topic of the run's event stream to which deltas go. */
  streamTo?: string;
  options?: { readonly [name: string]: unknown };
}

export interface LlmResponse {
  readonly message: { role: string; parts: Part[] };
  readonly text: string;
  readonly toolCalls: ToolCall[];
  readonly finish: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
  readonly model: string;
  readonly extra: any;
}

/** Language models. Need: `llm:<model>`. */
export interface Llm {
  complete(request: LlmRequest): LlmResponse;
  completeAll(requests: readonly LlmRequest[]): (LlmResponse | Failure)[];
  prompt(model: string, text: string): string;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
}

/** Other agents and the tools of MCP servers. Need: `tool:<name>`. */
export interface Tools {
  list(): Tool[];
  call(name: string, input?: unknown): any;
  callAll(
    calls: readonly {
      name: string;
      input?: unknown;
      options?: { readonly [name: string]: unknown };
    }[],
  ): (any | Failure)[];
}
