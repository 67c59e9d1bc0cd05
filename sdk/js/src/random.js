// Chance for an agent. The build freezes the engine with its random state, so that Math.random()
// would begin with the same number in every sandbox; so it is seeded anew for each call, by the
// task and the attempt. A rerun then sees the same numbers, as it must. It is nothing for secrets.

/** A function like Math.random whose numbers follow from the text (sfc32 over an FNV hash). */
export function seeded(text) {
  let [a, b, c, d] = [hash(text, 1), hash(text, 2), hash(text, 3), 1];
  const next = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  };
  // The first numbers still show how alike two seeds are.
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

function hash(text, salt) {
  let value = 2166136261 ^ salt;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 16777619);
  }
  return value;
}
