"""Write agents for WorkflowForge in Python.

An agent is an ordinary function, which ``@agent`` registers and leaves alone, so that tests run it
natively:

    from workflowforge import agent

    @agent
    def main(ctx, input):
        return {"words": len(input["text"].split())}

Name, schemas and needs stand in ``plugin.toml``, which the build embeds. Never here: files,
sockets, clocks or the environment; the host owns all of them and ``Ctx`` is the way to it.
"""

from . import http, llm
from .agents import agent, define_agent
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
from .rehearsal import Rehearsal
from .reply import Reply

__all__ = [
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
    "Rehearsal",
    "Reply",
    "Upstream",
    "agent",
    "define_agent",
    "http",
    "llm",
]
