// What stands on globalThis in a sandbox, by its own types: without those of the web and of node.

const response: Response = fetch(new URL("/a?b=1", "https://api.example.com"), {
  method: "POST",
  body: new URLSearchParams({ a: "1" }),
  headers: { accept: "application/json" },
  timeoutMs: 1_000,
});
const text: string = response.ok ? response.text() : String(response.status);
const [cookie] = response.headers.getSetCookie();
const request = new Request("https://api.example.com", { redirect: "error" });
const copy = structuredClone({ text, cookie, url: request.url });
const bytes = crypto.getRandomValues(new Uint8Array(4));
console.log(new TextDecoder().decode(new TextEncoder().encode(copy.text)), bytes, btoa(atob("")));
console.assert(URL.canParse(crypto.randomUUID()));
// @ts-expect-error nothing is a promise here
fetch("https://api.example.com").then(() => 1);
export { Response };
