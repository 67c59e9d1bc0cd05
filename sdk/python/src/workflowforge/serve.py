"""Turns a call of the contract into a call of a function, and back. Needs no bindings."""

from collections.abc import Callable, Mapping
from typing import Any

from .ctx import Ctx
from .exception import told
from .failure import Failure, InvalidInput
from .reply import Reply
from .values import from_json


def serve(agents: Mapping[str, Callable], call: Any, host: Any) -> Reply:
    """Serves one call. Whatever goes wrong is raised as a ``Failure``, never as anything else."""
    run = agents.get(call.agent)
    if run is None:
        known = ", ".join(agents)
        raise InvalidInput(
            "unknown_agent", f'the plugin has no agent "{call.agent}"; it has {known}'
        )
    ctx, input = Ctx.of(call, host), from_json("input", call.input)
    try:
        returned = run(ctx, input)
    except Failure:
        raise
    except BaseException as error:  # noqa: B036 — an exit of the interpreter would end the sandbox
        raise told(error, run) from error
    return returned if isinstance(returned, Reply) else Reply(returned)
