"""How a function becomes an agent of the plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from .definition import MAIN, Definition

Run = TypeVar("Run", bound=Callable[..., Any])

AGENTS: dict[str, Definition] = {}
"""The plugin's agents by their names, in the order in which they were defined."""


@overload
def agent(run: Run, /) -> Run: ...


@overload
def agent(
    *,
    name: str = MAIN,
    description: str | None = None,
    input: Any = None,
    output: Any = None,
    config: Any = None,
) -> Callable[[Run], Run]: ...


def agent(run: Callable[..., Any] | None = None, /, **given: Any) -> Any:
    """Makes a function ``run(ctx, input)`` or ``run(ctx, input, config)`` an agent: ``@agent``, or
    ``@agent(name="other")``.

    What the annotations of input, output and configuration say becomes JSON Schemas, and values are
    converted between JSON and those types. ``input``, ``output`` and ``config`` say it instead of
    the annotations: each is a type, or a JSON Schema for values that stay JSON.
    """
    if run is None:
        return lambda run: define_agent(run, **given)
    return define_agent(run, **given)


def define_agent(
    run: Run,
    name: str = MAIN,
    *,
    description: str | None = None,
    input: Any = None,
    output: Any = None,
    config: Any = None,
) -> Run:
    """Makes a function an agent of the plugin under that name; the function stays what it is."""
    known = AGENTS.get(name)
    if known is not None and known.run is not run:
        raise ValueError(f'the plugin has two agents "{name}": give one of them another name')
    AGENTS[name] = Definition.of(
        run, name, description=description, input=input, output=output, config=config
    )
    return run
