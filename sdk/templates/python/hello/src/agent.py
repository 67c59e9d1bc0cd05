"""Greets whoever it is told of."""

from dataclasses import dataclass

from workflowforge import Ctx, InvalidInput, agent


@dataclass
class Input:
    """Whom to greet."""

    name: str


@dataclass
class Output:
    """The greeting."""

    greeting: str


@agent
def main(ctx: Ctx, input: Input) -> Output:
    """Greets whoever it is told of."""
    if not input.name:
        raise InvalidInput("no_name", "name is empty: whom shall I greet?")
    ctx.info("greeting")
    return Output(f"Hello, {input.name}!")
