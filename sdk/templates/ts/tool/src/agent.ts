// Counts the words of a text, for agents that call it as a tool. A model reads the schemas, so
// every field says what it is.

import { defineAgent } from "@workflowforge/sdk";

const MOST = 3;

interface Input {
  text: string;
  most?: number;
}

const word = {
  type: "object",
  required: ["word", "count"],
  properties: {
    word: { type: "string", description: "The word in small letters." },
    count: { type: "integer", description: "How often it comes." },
  },
};

export const agent = defineAgent({
  description: "Counts the words of a text and says which come most often.",
  input: {
    type: "object",
    required: ["text"],
    properties: {
      text: { type: "string", description: "The text whose words are counted." },
      most: {
        type: "integer",
        minimum: 0,
        default: MOST,
        description: "How many of the most frequent words to name.",
      },
    },
  },
  output: {
    type: "object",
    required: ["words", "top"],
    properties: {
      words: { type: "integer", description: "The number of words." },
      top: { type: "array", items: word, description: "The most frequent words first." },
    },
  },
  run({ text, most = MOST }: Input) {
    const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    const top = [...counts]
      .map(([word, count]) => ({ word, count }))
      .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
      .slice(0, most);
    return { words: words.length, top };
  },
});
