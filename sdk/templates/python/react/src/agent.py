"""Answers a question with a model that calls tools: it thinks, acts, looks at what came of it, and
so on, until it can answer or has no turn left.
"""

from dataclasses import dataclass
from itertools import count

from workflowforge import Ctx, Failure, agent, llm

SYSTEM = "Answer the question. Call tools for what you do not know."
LAST_TURN = "This is the last turn. Call no tool; answer with what you know."

GLOSSARY = {
    "agent": "A plugin that does one thing in a sandbox of its own.",
    "run": "One execution of a workflow, which survives a crash.",
}


@dataclass
class Input:
    """The question, and the name of a model in the host's configuration."""

    question: str
    model: str = "mock"


@dataclass
class Config:
    """What a node of a workflow may set."""

    turns_max: int = 4


@dataclass
class Output:
    """The answer, and how many turns it took."""

    answer: str
    turns: int


@agent
def main(ctx: Ctx[Config], input: Input) -> Output:
    """Thinks, calls tools and looks at their answers, until it can answer."""
    tools = [llm.Tool(it.name, it.description, it.input_schema) for it in ctx.tools.list()]
    messages = [llm.Message("system", SYSTEM), llm.Message("user", input.question)]
    for turns in count(1):
        is_last = turns >= ctx.config.turns_max
        if is_last and turns > 1:
            messages.append(llm.Message("user", LAST_TURN))
        answer = ctx.llm.complete(llm.Request(input.model, messages, tools))
        if is_last or not answer.tool_calls:
            return Output(answer.text, turns)
        messages += [answer.message, act(ctx, answer.tool_calls)]
    raise AssertionError("the last turn always answers")


def act(ctx: Ctx[Config], calls: list[llm.ToolCall]) -> llm.Message:
    """Calls the tools side by side. A tool's failure is for the model to read."""
    answers = ctx.tools.call_all((call.name, call.arguments) for call in calls)
    results: list[llm.Part] = []
    for call, answer in zip(calls, answers, strict=True):
        failed = isinstance(answer, Failure)
        ctx.emit("step", {"tool": call.name, "ok": not failed})
        results.append(llm.ToolResult(call.id, str(answer) if failed else answer, failed))
    return llm.Message("tool", results)


@dataclass
class Word:
    """A word that somebody does not know."""

    word: str


@dataclass
class Meaning:
    """What it means; null where the glossary does not have the word."""

    meaning: str | None


@agent(name="lookup")
def lookup(ctx: Ctx, input: Word) -> Meaning:
    """Looks a word up in a small glossary."""
    return Meaning(GLOSSARY.get(input.word.lower()))
