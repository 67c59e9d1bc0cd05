// What the web calls a buffer source.

/** The bytes that an ArrayBuffer or a view of one shows; none of anything else. */
export function bytesOf(source) {
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  return source instanceof ArrayBuffer ? new Uint8Array(source) : undefined;
}
