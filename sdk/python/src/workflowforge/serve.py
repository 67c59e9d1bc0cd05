"""Turns a call of the contract into a call of a function, and back. Needs no bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ctx import Ctx
from .definition import Definition
from .exception import told
from .failure import Failed, Failure, InvalidInput
from .host import Host
from .reply import Reply
from .shapes import Misfit
from .values import from_json

DESCRIBE = "workflowforge:describe"
"""The agent that the build asks for what the code knows of its agents; no manifest may name it."""


def serve(agents: Mapping[str, Definition], call: Any, host: Host) -> Reply[Any]:
    """Serves one call. Whatever goes wrong is raised as a ``Failure``, never as anything else."""
    if call.agent == DESCRIBE:
        return Reply({"agents": {name: agent.described() for name, agent in agents.items()}})
    definition = agents.get(call.agent)
    if definition is None:
        known = ", ".join(agents)
        raise InvalidInput(
            "unknown_agent", f'the plugin has no agent "{call.agent}"; it has {known}'
        )
    try:
        return _served(definition, call, host)
    except Failure:
        raise
    except BaseException as error:  # noqa: B036 — an exit of the interpreter would end the sandbox
        raise told(error, definition.run) from error


def _served(definition: Definition, call: Any, host: Host) -> Reply[Any]:
    try:
        ctx = Ctx.of(call, host, definition.config.read)
        input = definition.input.read(from_json("input", call.input))
    except Misfit as misfit:
        raise InvalidInput("bad_input", str(misfit), details={"place": misfit.place}) from misfit
    returned = definition.call(ctx, input)
    reply = returned if isinstance(returned, Reply) else Reply(returned)
    try:
        return Reply(definition.output.write(reply.output), reply.exits)
    except Misfit as misfit:
        raise Failed("bad_output", str(misfit), details={"place": misfit.place}) from misfit
