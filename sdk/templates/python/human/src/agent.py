"""Asks a person whether a text may be published.

The sandbox is gone while the question is open. Once it is answered, the function runs from its top
again and the host answers from its record; so what comes before a question must not depend on
anything but the input.
"""

from dataclasses import dataclass

from workflowforge import Ctx, Question, Reply, agent

ANSWER = {
    "type": "object",
    "required": ["publish"],
    "properties": {"publish": {"type": "boolean"}, "note": {"type": "string"}},
}


@dataclass
class Input:
    """The text to publish."""

    text: str


@dataclass
class Output:
    """Whether a person agreed, and what the person said about it."""

    published: bool
    note: str


@agent
def main(ctx: Ctx, input: Input) -> Reply[Output]:
    """Asks a person whether a text may be published."""
    answer = ctx.ask(Question(f"Publish this?\n\n{input.text}", ANSWER))
    reply = Reply(Output(answer["publish"], answer.get("note", "")))
    return reply if answer["publish"] else reply.goto("rejected")
