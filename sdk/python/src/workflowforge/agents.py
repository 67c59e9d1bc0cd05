"""How a function becomes an agent of the plugin."""

import inspect
from collections.abc import Callable
from typing import Any

MAIN = "main"
"""The agent's name where a plugin has only one."""

AGENTS: dict[str, Callable] = {}
"""The plugin's agents by their names, in the order in which they were defined."""


def agent(run: Callable | None = None, /, *, name: str = MAIN) -> Any:
    """Makes a function ``run(ctx, input)`` an agent: ``@agent``, or ``@agent(name="other")``."""
    if run is None:
        return lambda run: define_agent(run, name)
    return define_agent(run, name)


def define_agent(run: Callable, name: str = MAIN) -> Callable:
    """Makes a function an agent of the plugin under that name; the function stays what it is."""
    if inspect.iscoroutinefunction(run) or inspect.isgeneratorfunction(run):
        raise TypeError(f'the agent "{name}" must be synchronous: lists give parallelism')
    if AGENTS.setdefault(name, run) is not run:
        raise ValueError(f'the plugin has two agents "{name}": give one of them another name')
    return run
