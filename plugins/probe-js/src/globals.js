// What JavaScript has everywhere, tried once each.

/** What a module does while it loads, which is when the plugin is built. */
export const atTop = [typeof URL, typeof fetch, new TextEncoder().encode("é").length].join(" ");

const BYTES = [0x66, 0xc3, 0xbc, 0xff];

const CHECKS = {
  console: () => {
    console.log("from the console", { n: 1 });
    return true;
  },
  fetch: ({ url }) => {
    const response = fetch(url, { method: "POST", body: JSON.stringify({ n: 1 }) });
    return response.ok && response.status === 200 && response.text() === "pong";
  },
  Headers: () => new Headers({ "X-A": "1" }).get("x-a") === "1",
  Request: () => new Request("https://a.example/x", { method: "post" }).method === "POST",
  Response: () => Response.json({ n: 1 }).json().n === 1,
  TextEncoder: () => new TextEncoder().encode("ü€😀").length === 9,
  TextDecoder: () => new TextDecoder().decode(new Uint8Array(BYTES)) === "fü\ufffd",
  URL: () =>
    new URL("../b?q=ü#f", "HTTPS://A.example:443/c/d").href === "https://a.example/b?q=%C3%BC#f",
  URLSearchParams: () => String(new URLSearchParams({ a: "1 2" })) === "a=1+2",
  structuredClone: () =>
    structuredClone(new Map([["a", new Date(5)]]))
      .get("a")
      .getTime() === 5,
  getRandomValues: () => crypto.getRandomValues(new Uint8Array(64)).some((byte) => byte > 0),
  randomUUID: () => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/.test(crypto.randomUUID()),
  random: () => Math.random() !== Math.random(),
  atob: () => atob("/+8=") === "\u00ff\u00ef",
  btoa: () => btoa("\u00ff\u00ef") === "/+8=",
  atTop: () => atTop === "function function 2",
};

/** Of each check true, or what went wrong. */
export function globals(input) {
  const seen = Object.entries(CHECKS).map(([name, check]) => [name, outcome(check, input)]);
  return { works: Object.fromEntries(seen) };
}

function outcome(check, input) {
  try {
    return check(input) || "it gives something else";
  } catch (error) {
    return String(error);
  }
}
