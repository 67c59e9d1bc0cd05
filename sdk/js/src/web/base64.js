// atob and btoa, as HTML says them.

import { domException } from "./error.js";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** Base64 of a string whose characters are bytes. */
export function btoa(text) {
  const binary = String(text);
  let out = "";
  for (let at = 0; at < binary.length; at += 3) {
    const [a, b, c] = [0, 1, 2].map((next) => binary.charCodeAt(at + next));
    if (a > 255 || b > 255 || c > 255) {
      throw domException("InvalidCharacterError", "btoa takes characters up to U+00FF");
    }
    // Past the end there is NaN, which has no bits.
    const bits = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => DIGITS[(bits >> shift) & 63]);
    if (at + 1 >= binary.length) digits[2] = "=";
    if (at + 2 >= binary.length) digits[3] = "=";
    out += digits.join("");
  }
  return out;
}

/** The bytes of base64, as a string of characters up to U+00FF. */
export function atob(text) {
  let digits = String(text).replace(/[\t\n\f\r ]/g, "");
  if (digits.length % 4 === 0) digits = digits.replace(/==?$/, "");
  if (digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) {
    throw domException("InvalidCharacterError", "the text is no base64");
  }
  let [out, bits, count] = ["", 0, 0];
  for (const digit of digits) {
    bits = ((bits << 6) | VALUES.get(digit)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += String.fromCharCode((bits >> count) & 255);
    }
  }
  return out;
}
