// Writes src/vendor/whatwg-url.js: URL and URLSearchParams of the package whatwg-url in one module.
//
//   npm run vendor          writes it anew, after a change of the pinned version
//
// It is vendored, since a plugin's project has no network when `wforge new` made it, and QuickJS no
// URL. Left out are the tables of Unicode's IDNA (270 KB), so that a host that is not ASCII is
// refused, and encodings other than UTF-8.

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
    `const { encode } = require("../utf8.js");
     const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
     exports.percentEncodeAfterEncoding = (_encoding, text, escaped) =>
       Array.from(encode(text), (byte) => {
         const character = String.fromCharCode(byte);
         const isPlain = byte > 0x1f && byte < 0x7f && !escaped.includes(character);
         return isPlain ? character : hex(byte);
       }).join("");`,
  ],
  [
    /^\.\/encoding$/,
    `const { Decoder, encode } = require("../utf8.js");
     exports.utf8Encode = encode;
     exports.utf8DecodeWithoutBOM = (bytes) => new Decoder().push(bytes, true);`,
  ],
];

const instead = {
  name: "instead",
  setup({ onLoad, onResolve }) {
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
      contents: 'export { URL, URLSearchParams } from "whatwg-url";',
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
