// The types of what stands on globalThis in a sandbox, for a tsconfig.json without "DOM" and node:
//
//   "lib": ["ES2023"], "types": ["@workflowforge/sdk/globals"]
//
// They differ from the web's in one thing: nothing is a promise, as agents are synchronous.

export {};

type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams | null;
type HeadersInit =
  Headers | { readonly [name: string]: string } | Iterable<readonly [string, string]>;

interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit;
  /** Redirects are not followed; `error` throws where there is one. */
  redirect?: "manual" | "error";
  /** The longest time for the whole exchange. */
  timeoutMs?: number;
}

interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}

interface Body {
  readonly bodyUsed: boolean;
  arrayBuffer(): ArrayBuffer;
  bytes(): Uint8Array;
  json(): any;
  text(): string;
}

declare global {
  interface Console {
    assert(holds?: unknown, ...values: unknown[]): void;
    debug(...values: unknown[]): void;
    dir(...values: unknown[]): void;
    error(...values: unknown[]): void;
    info(...values: unknown[]): void;
    log(...values: unknown[]): void;
    trace(...values: unknown[]): void;
    warn(...values: unknown[]): void;
  }
  var console: Console;

  /** Need: `http:<rule>`. It answers at once. */
  function fetch(input: string | URL | Request, init?: RequestInit): Response;

  class Headers {
    constructor(init?: HeadersInit);
    append(name: string, value: string): void;
    delete(name: string): void;
    get(name: string): string | null;
    getSetCookie(): string[];
    has(name: string): boolean;
    set(name: string, value: string): void;
    forEach(run: (value: string, name: string, headers: Headers) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
  }

  interface Request extends Body {
    readonly method: string;
    readonly url: string;
    readonly headers: Headers;
    readonly redirect: string;
    clone(): Request;
  }
  var Request: {
    prototype: Request;
    new (input: string | URL | Request, init?: RequestInit): Request;
  };

  interface Response extends Body {
    readonly status: number;
    readonly statusText: string;
    readonly ok: boolean;
    readonly headers: Headers;
    readonly url: string;
    readonly redirected: boolean;
    clone(): Response;
  }
  var Response: {
    prototype: Response;
    new (body?: BodyInit, init?: ResponseInit): Response;
    json(value: unknown, init?: ResponseInit): Response;
  };

  class TextEncoder {
    readonly encoding: string;
    encode(text?: string): Uint8Array;
    encodeInto(text: string, bytes: Uint8Array): { read: number; written: number };
  }

  class TextDecoder {
    constructor(label?: "utf-8" | "utf8", options?: { fatal?: boolean; ignoreBOM?: boolean });
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(source?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
  }

  class URL {
    constructor(url: string | URL, base?: string | URL);
    static canParse(url: string | URL, base?: string | URL): boolean;
    static parse(url: string | URL, base?: string | URL): URL | null;
    hash: string;
    host: string;
    hostname: string;
    href: string;
    readonly origin: string;
    password: string;
    pathname: string;
    port: string;
    protocol: string;
    search: string;
    readonly searchParams: URLSearchParams;
    username: string;
    toJSON(): string;
    toString(): string;
  }

  class URLSearchParams {
    constructor(
      init?: string | { readonly [name: string]: string } | Iterable<readonly [string, string]>,
    );
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(run: (value: string, name: string, params: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
    toString(): string;
  }

  /** The host's randomness: the same for a rerun. There is no `subtle`. */
  var crypto: {
    getRandomValues<View extends ArrayBufferView>(view: View): View;
    randomUUID(): string;
  };

  function structuredClone<Value>(value: Value): Value;
  function atob(text: string): string;
  function btoa(text: string): string;
}
