"""An agent as its function and its annotations describe it."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .ctx import Ctx
from .ports import Port
from .reply import Reply
from .shapes.annotations import hints_of
from .words import first_paragraph

MAIN = "main"
"""The agent's name where a plugin has only one."""

CONFIG = "config"
"""The parameter that gets the configuration, if there is one of that name."""

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
PLACED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Definition:
    """An agent of the plugin."""

    name: str
    run: Callable[..., Any]
    description: str | None
    input: Port
    output: Port
    config: Port
    takes_config: bool

    @classmethod
    def of(
        cls,
        run: Callable[..., Any],
        name: str = MAIN,
        *,
        description: str | None = None,
        input: Any = None,
        output: Any = None,
        config: Any = None,
    ) -> Definition:
        """Of a function. What is given by name wins over the annotations."""
        if inspect.iscoroutinefunction(run) or inspect.isgeneratorfunction(run):
            raise TypeError(f'the agent "{name}" must be synchronous: lists give parallelism')
        if description is None and inspect.isfunction(run):
            description = first_paragraph(run.__doc__)
        said = _annotated(run, name)
        return cls(
            name,
            run,
            description,
            Port.of("input", said.input if input is None else input, name),
            Port.of("output", said.output if output is None else output, name),
            Port.of_config(said.config if config is None else config, name),
            said.takes_config,
        )

    def call(self, ctx: Ctx[Any], input: Any) -> Any:
        """Calls the function with what it takes."""
        more = {CONFIG: ctx.config} if self.takes_config else {}
        return self.run(ctx, input, **more)

    def described(self) -> dict[str, Any]:
        """What the build puts into the manifest."""
        parts = {port.name: port.schema for port in (self.input, self.output, self.config)}
        known: dict[str, Any] = {"description": self.description, **parts}
        return {name: part for name, part in known.items() if part is not None}


@dataclass(frozen=True)
class _Annotated:
    """What the function itself says; nothing where it says nothing."""

    input: Any = None
    output: Any = None
    config: Any = None
    takes_config: bool = False


def _annotated(run: Callable[..., Any], name: str) -> _Annotated:
    known = _parameters(run)
    parameters = known or []
    hints = hints_of(run, f'agent "{name}"') if inspect.isroutine(run) else {}
    placed = [one for one in parameters if one.kind in PLACED and one.name != CONFIG]
    has_rest = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    if known is not None and not has_rest and not _takes_two(placed):
        raise TypeError(
            f'the agent "{name}" must take (ctx, input) or (ctx, input, config), not '
            f"({', '.join(one.name for one in parameters)})"
        )
    takes_config = any(one.name == CONFIG and one.kind in NAMED for one in parameters)
    ctx, input, *_ = [one.name for one in placed] + ["", ""]
    return _Annotated(
        hints.get(input),
        _without_reply(hints.get("return")),
        _config_of(name, hints.get(ctx), hints.get(CONFIG) if takes_config else None),
        takes_config,
    )


def _parameters(run: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError, NameError):
        # Some functions in C say nothing; an annotation that cannot be read is named elsewhere.
        return None


def _takes_two(placed: list[inspect.Parameter]) -> bool:
    needed = [one for one in placed if one.default is one.empty]
    return len(needed) <= 2 <= len(placed)


def _config_of(name: str, ctx: Any, parameter: Any) -> Any:
    """The configuration's type, from ``Ctx[Settings]``, the parameter, or both."""
    said = typing.get_args(ctx)[0] if typing.get_origin(ctx) is Ctx else None
    if said is not None and parameter is not None and said != parameter:
        raise TypeError(f'the agent "{name}" has two types of configuration: keep one of them')
    return parameter if said is None else said


def _without_reply(returned: Any) -> Any:
    """The output's type: that of ``Reply[T]`` is ``T``, and ``Reply`` says nothing about it."""
    origin = typing.get_origin(returned)
    if returned is Reply:
        return None
    if origin is Reply:
        return typing.get_args(returned)[0]
    if origin not in (typing.Union, types.UnionType):
        return returned
    members = [_without_reply(member) for member in typing.get_args(returned)]
    # One that may be anything leaves nothing to say.
    return None if None in members else typing.Union[tuple(members)]  # noqa: UP007
