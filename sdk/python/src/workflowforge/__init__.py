"""Write agents for WorkflowForge in Python.

An agent is an ordinary function, which ``@agent`` registers and leaves alone, so that tests run it
natively:

    from workflowforge import Ctx, agent

    @agent
    def main(ctx: Ctx, input: Text) -> Count:
        return Count(len(input.text.split()))

The JSON Schemas of input, output and configuration come from the annotations, or stand in
``plugin.toml`` with name and needs. Tests find a host in ``workflowforge.testing``. Never here:
files, sockets, clocks or the environment; the host owns all of them and ``Ctx`` is the way to it.
"""

from . import http, llm
from .agents import agent, define_agent
from .blobs import Blob
from .ctx import Call, Ctx
from .failure import (
    Cancelled,
    Denied,
    Failed,
    Failure,
    InvalidInput,
    Limit,
    Problem,
    Upstream,
)
from .human import Question
from .reply import Reply
from .secret import Secret
from .shapes import Bounds

__all__ = [
    "Blob",
    "Bounds",
    "Call",
    "Cancelled",
    "Ctx",
    "Denied",
    "Failed",
    "Failure",
    "InvalidInput",
    "Limit",
    "Problem",
    "Question",
    "Reply",
    "Secret",
    "Upstream",
    "agent",
    "define_agent",
    "http",
    "llm",
]
