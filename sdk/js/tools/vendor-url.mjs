// Writes src/vendor/whatwg-url.js: the parser of the package whatwg-url in one module, over which
// src/web/url.js puts URL and URLSearchParams.
//
//   npm run vendor          writes it anew, after a change of the pinned version
//
// It is vendored, since a plugin's project has no network when `wforge new` made it, and QuickJS no
// URL. Left out is what would be twice the size in each component: the package's own classes, which
// are generated for a browser's bindings, the tables of Unicode's IDNA (so that a host that is not
// ASCII is refused), and encodings other than UTF-8.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const require = createRequire(import.meta.url);

/** What stands for modules of the package and of what it needs. */
const INSTEAD = [
  [/^tr46$/, "exports.toASCII = () => null;"],
  [/^@exodus\/bytes\/encoding\.js$/, ""],
  [
    /^@exodus\/bytes\/whatwg\.js$/,
    `import { encode } from "../utf8.js";
     const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
     export const percentEncodeAfterEncoding = (_encoding, text, escaped) =>
       Array.from(encode(text), (byte) => {
         const character = String.fromCharCode(byte);
         const isPlain = byte > 0x1f && byte < 0x7f && !escaped.includes(character);
         return isPlain ? character : hex(byte);
       }).join("");`,
  ],
  [
    /^\.\/encoding$/,
    `import { Decoder, encode } from "../utf8.js";
     export const utf8Encode = encode;
     export const utf8DecodeWithoutBOM = (bytes) => new Decoder().push(bytes, true);`,
  ],
  [
    /^\.\/URLSearchParams$/,
    `import { implementation as Params } from "whatwg-url/lib/URLSearchParams-impl.js";
     export const createImpl = (...given) => new Params(...given);`,
  ],
  [/^\.\/URL$/, ""],
];

const ENTRY = `
  export { implementation as Address } from "whatwg-url/lib/URL-impl.js";
  export { implementation as Params } from "whatwg-url/lib/URLSearchParams-impl.js";
`;

const instead = {
  name: "instead",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\.\.\/utf8\.js$/ }, ({ path }) => ({ path, external: true }));
    for (const [filter] of INSTEAD) {
      onResolve({ filter }, ({ path }) => ({ path, namespace: "instead" }));
    }
    onLoad({ filter: /.*/, namespace: "instead" }, ({ path }) => ({
      contents: INSTEAD.find(([filter]) => filter.test(path))[1],
      resolveDir: fileURLToPath(new URL("../src/vendor", import.meta.url)),
    }));
  },
};

/** The module's text. */
export async function vendored() {
  const { name, version, license } = require("whatwg-url/package.json");
  const banner = `// ${name} ${version} (${license}), by tools/vendor-url.mjs`;
  const { outputFiles } = await build({
    stdin: {
      contents: ENTRY,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    banner: { js: banner },
    bundle: true,
    format: "esm",
    legalComments: "none",
    minify: true,
    plugins: [instead],
    target: "es2022",
    write: false,
  });
  return outputFiles[0].text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL("../src/vendor/", import.meta.url);
  writeFileSync(new URL("whatwg-url.js", folder), await vendored());
  const licence = readFileSync(require.resolve("whatwg-url/LICENSE.txt"), "utf8");
  writeFileSync(new URL("LICENSE-whatwg-url.txt", folder), licence);
}
