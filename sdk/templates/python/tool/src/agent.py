"""Counts the words of a text, for agents that call it as a tool."""

import re
from collections import Counter
from dataclasses import dataclass

from workflowforge import Ctx, agent


@dataclass
class Input:
    """The text whose words are counted, and how many of the most frequent to name."""

    text: str
    most: int = 3


@dataclass
class Word:
    """A word in small letters, and how often it comes."""

    word: str
    count: int


@dataclass
class Output:
    """The number of words, and the most frequent of them first."""

    words: int
    top: list[Word]


@agent
def main(ctx: Ctx, input: Input) -> Output:
    """Counts the words of a text and says which come most often."""
    words = re.findall(r"[^\W_]+", input.text.lower())
    ranked = sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0]))
    top = [Word(word, count) for word, count in ranked[: input.most]]
    return Output(len(words), top)
