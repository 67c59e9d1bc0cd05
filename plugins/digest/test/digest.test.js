import assert from "node:assert/strict";
import { test } from "node:test";
import { CHARACTERS_MAX, digest } from "../src/digest.js";
import { sentencesOf } from "../src/sentences.js";

const WHALES = `Whales are mammals that live in the sea. The blue whale is the largest of all
whales. Some whales sing, and whale songs travel far through the sea. My neighbour paints fences.`;

const splits = (text, expected) => assert.deepEqual(sentencesOf(text), expected);

test("the summary is the sentence that shares most with the others", () => {
  const { summary, keywords, coverage } = digest(WHALES);
  assert.equal(summary, "Some whales sing, and whale songs travel far through the sea.");
  assert.deepEqual(keywords.slice(0, 3), ["whales", "sea", "whale"]);
  assert.ok(coverage > 0.5 && coverage < 1);
});

test("more sentences cover more, all of them everything, in the text's order", () => {
  const coverages = [1, 2, 3, 4].map((wanted) => digest(WHALES, wanted).coverage);
  assert.deepEqual([...coverages].sort(), coverages);
  assert.equal(coverages[3], 1);
  assert.equal(digest(WHALES, 4).summary, WHALES.replace("\n", " "));
});

test("a text without words has an empty digest that misses nothing", () => {
  for (const text of ["", "\n\n", "```js\nconst a = 1;\n```", "---\n***", "1 2 3"]) {
    const { summary, keywords, coverage } = digest(text);
    assert.deepEqual({ summary, keywords, coverage }, { summary: "", keywords: [], coverage: 1 });
  }
});

test("a sentence that is repeated is said once", () => {
  assert.equal(digest("Same words here. Same words here. Same words here.", 3).sentences, 1);
});

test("the number of sentences is bounded on both sides and may be a double", () => {
  assert.equal(digest(WHALES, 0).sentences, 1);
  assert.equal(digest(WHALES, 2.0).sentences, 2);
  const many = Array.from({ length: 100 }, (_, at) => `Sentence about topic x${at}.`).join(" ");
  assert.equal(digest(many, 1e9).sentences, 20);
});

test("a huge text is read to the limit and says so", () => {
  const digested = digest("Waves roll in. Gulls cry loud. Foam flies. ".repeat(40_000), 3);
  assert.equal(digested.characters_read, CHARACTERS_MAX);
  assert.equal(digested.sentences, 3);
});

test("markup and code are no sentences", () => {
  splits(
    "# Head\n\nA **bold** [link](http://x.y) here.\n\n```\ncode. Here\n```\n- [ ] Do it\n- Then",
    ["Head", "A bold link here.", "Do it", "Then"],
  );
});

test("rows of a table are apart and a name keeps its underscore", () => {
  splits("| what | why |\n| --- | --- |\n| `no_std` | _small_ |\n", ["what why", "no_std small"]);
});

test("a full stop in an abbreviation, a version or a name of a file ends no sentence", () => {
  splits("See e.g. Smith for version 1.2.3 of main.rs. Then stop! Really?", [
    "See e.g. Smith for version 1.2.3 of main.rs.",
    "Then stop!",
    "Really?",
  ]);
});

test("a fence that nobody closes hides the rest", () => {
  splits("Before.\n~~~\nAfter. This", ["Before."]);
});

test("letters outside ASCII are letters", () => {
  assert.deepEqual(digest("Größe zählt. Größe über Öl.").keywords, ["größe", "zählt"]);
});

test("text made to be slow is not", () => {
  const hostile = [". ", "e.g. A ", "a-", "[", "[a](", "<", " ", "*", "| ", "a.", "'", "-", "…"];
  for (const piece of hostile) {
    const text = `Once upon${piece.repeat(CHARACTERS_MAX / piece.length)}a time.`;
    assert.equal(digest(text, 3).characters_read, CHARACTERS_MAX);
  }
});
