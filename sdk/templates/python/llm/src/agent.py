"""Sums a text up in one sentence, with one call of a model."""

from dataclasses import dataclass

from workflowforge import Ctx, agent, llm

SYSTEM = "Sum up what the user writes in one sentence."


@dataclass
class Input:
    """The text, and the name of a model in the host's configuration."""

    text: str
    model: str = "mock"


@dataclass
class Output:
    """The text in one sentence."""

    summary: str


@agent
def main(ctx: Ctx, input: Input) -> Output:
    """Sums a text up in one sentence."""
    messages = [llm.Message("system", SYSTEM), llm.Message("user", input.text)]
    answer = ctx.llm.complete(llm.Request(input.model, messages, max_tokens=200))
    return Output(answer.text.strip())
