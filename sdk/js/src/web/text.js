// TextEncoder and TextDecoder, for UTF-8 alone.

import { bytesOf } from "./bytes.js";
import { Decoder, encode, encodeInto } from "../utf8.js";

const LABELS = ["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8"];
const BYTE_ORDER_MARK = "\ufeff";

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text));
  }

  encodeInto(text, bytes) {
    return encodeInto(String(text), bytes);
  }
}

export class TextDecoder {
  #decoder;
  #begun = false;
  #options;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!LABELS.includes(String(label).trim().toLowerCase())) {
      throw new RangeError(`the encoding "${label}" is not there; utf-8 is`);
    }
    this.#options = { fatal: Boolean(fatal), ignoreBOM: Boolean(ignoreBOM) };
  }

  get encoding() {
    return "utf-8";
  }

  get fatal() {
    return this.#options.fatal;
  }

  get ignoreBOM() {
    return this.#options.ignoreBOM;
  }

  decode(source = new Uint8Array(), { stream = false } = {}) {
    const bytes = bytesOf(source);
    if (bytes === undefined) throw new TypeError("decode takes an ArrayBuffer or a view of one");
    this.#decoder ??= new Decoder(this.fatal ? refuse : undefined);
    try {
      return this.#unmarked(this.#decoder.push(bytes, !stream));
    } finally {
      if (!stream) [this.#decoder, this.#begun] = [undefined, false];
    }
  }

  /** The text without the byte order mark that it may begin with. */
  #unmarked(text) {
    const isFirst = !this.#begun;
    this.#begun ||= text !== "";
    return isFirst && !this.ignoreBOM && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }
}

const refuse = () => {
  throw new TypeError("the bytes are no UTF-8");
};
