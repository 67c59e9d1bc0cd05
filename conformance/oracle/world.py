"""What the nodes of one case share: the evaluator, counters, and what came with each send."""

import threading
from collections import Counter

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import get_runtime

from nodes import handlers, payload, task_of


class World:
    def __init__(self, expressions, workflows):
        self.expressions = expressions
        self.workflows = workflows
        self.saver = InMemorySaver()
        self.calls = Counter()
        self.sent = {}
        self.steps = set()
        self.drain_at = None
        self.lock = threading.Lock()
        handlers.clear()

    def draft(self, reference):
        return self.workflows[reference.partition("@")[0]]

    def begin(self, new_run, drain_at):
        """Another action: a new run counts its calls anew."""
        if new_run:
            self.calls.clear()
        self.steps.clear()
        self.drain_at = drain_at

    def remember(self, arg, config):
        """What came with a send, kept for the edges that leave the task."""
        found = payload(arg)
        self.sent[task_of(config)] = found
        return found

    def sent_with(self, task):
        return self.sent.get(task, ({}, None))

    def count_call(self, name):
        with self.lock:
            self.calls[name] += 1

    def count_step(self, config):
        """Asks for a drain in the super-step after which the case wants the run to pause."""
        if self.drain_at is None or "|" in config["metadata"].get("langgraph_checkpoint_ns", ""):
            return
        with self.lock:
            self.steps.add(config["metadata"]["langgraph_step"])
            if len(self.steps) == self.drain_at:
                get_runtime().control.request_drain()
