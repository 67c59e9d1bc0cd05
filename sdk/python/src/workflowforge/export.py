"""The component's one export. The module that the build writes is its only reader, and the bindings
are there by then.
"""

import os
import random
from types import ModuleType

from componentize_py_types import Err
from wit_world.exports import agent as wit

from .agents import AGENTS
from .failure import Failure
from .serve import serve
from .wire import failure_to_wit, reply_to_wit
from .world import World

SEED_BYTES = 32

_world = World({})


def connect(**interfaces: ModuleType) -> None:
    """Hands in the interfaces of the plugin's world."""
    global _world
    _world = World(interfaces)


def check_agents(names: list[str]) -> None:
    """Ends the build where the agents in the code are not those in ``plugin.toml``."""
    if sorted(AGENTS) != sorted(names):
        raise RuntimeError(
            f"the code has the agents [{', '.join(sorted(AGENTS))}], plugin.toml has "
            f"[{', '.join(sorted(names))}]: make them the same"
        )


class Agent:
    """What the host calls."""

    def invoke(self, call: wit.Call) -> wit.Reply:
        # The build freezes the interpreter, and with it the state of its generator. The host's
        # random bytes are the same for a rerun and others for another task or attempt.
        random.seed(os.urandom(SEED_BYTES))
        try:
            return reply_to_wit(serve(AGENTS, call, _world))
        except Failure as failure:
            raise Err(failure_to_wit(failure)) from None
