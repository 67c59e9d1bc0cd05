"""The actions of a case on one thread, each a call of LangGraph's, and what it led to."""

from langgraph.errors import EmptyInputError, GraphDrained, GraphRecursionError, ParentCommand
from langgraph.runtime import RunControl
from langgraph.types import Command, StateUpdate

from expressions import Failure
from graphs import Graph
from nodes import node_name
from records import Recorder
from world import World

# What LangGraph says, and how records class it. The first that is found counts.
MESSAGES = [
    ("Can receive only one", "concurrent_write"),
    ("edge starting at unknown node", "unknown_node"),
    ("edge ending at unknown node", "unknown_node"),
    ("branch found unknown target", "unknown_node"),
    ("Interrupt node", "unknown_node"),
    ("must have an entrypoint", "no_start"),
    ("specify as_node", "ambiguous_update"),
    ("does not exist", "unknown_node"),
    ("multiple pending interrupts", "ambiguous_resume"),
    ("Attempting to delete a message", "reducer_type"),
    ("There is no parent graph", "denied"),
]


def error_class(error):
    if isinstance(error, Failure):
        return error.code
    if isinstance(error, GraphRecursionError):
        return "step_limit"
    if isinstance(error, EmptyInputError):
        return "missing_input"
    if isinstance(error, ParentCommand):
        return "denied"
    for part, name in MESSAGES:
        if part in str(error):
            return name
    if isinstance(error, TypeError):
        return "reducer_type"
    raise error


class Thread:
    """One thread of one case."""

    def __init__(self, expressions, workflows, root):
        self.world = World(expressions, workflows)
        self.graph = Graph(self.world, workflows[root], self.world.saver)
        self.keys = self.graph.keys
        self.compiled = self.graph.compiled
        self.config = {"configurable": {"thread_id": "thread"}}
        self.recorder = Recorder(self.graph, self.compiled, self.config)

    def act(self, action):
        (kind, given), = action.items()
        given = given or {}
        if kind not in ("resume", "continue") or "at" in given:
            self.recorder.drop_open()
        error = None
        try:
            getattr(self, {"continue": "go_on"}.get(kind, kind))(given)
        except GraphDrained:
            pass
        except Exception as raised:  # every error is part of the record
            error = error_class(raised)
        return self.recorder.record(kind, error, given)

    def run(self, given_input, given, new_run):
        self.world.begin(new_run, given.get("steps"))
        for chunk in self.compiled.stream(
            given_input,
            self.at(given),
            stream_mode=["debug", "values", "custom", "updates"],
            subgraphs=True,
            durability=given.get("durability", "sync"),
            control=RunControl(),
        ):
            self.recorder.hear(*chunk)

    def at(self, given):
        """The configuration of a checkpoint of the history; without one, the newest."""
        place = given.get("at")
        return self.config if place is None else self.recorder.history[place].config

    def invoke(self, given):
        self.run(self.graph.incoming(given.get("input", {})), given, True)

    def resume(self, given):
        if "value" in given:
            self.run(Command(resume=given["value"]), given, False)
            return
        waiting = self.recorder.interrupts()
        answers = {}
        for answer in given["answers"]:
            found = [i for node, i in waiting if node == answer["node"]]
            if answer.get("ordinal", 0) >= len(found):
                raise Failure("failed", "unknown_question", "nobody asks that")
            answers[found[answer.get("ordinal", 0)].id] = answer["value"]
        self.run(Command(resume=answers), given, False)

    def go_on(self, given):
        metadata = self.compiled.get_state(self.at(given)).metadata or {}
        new_run = "at" in given or metadata.get("source") in ("update", "fork")
        self.run(None, given, new_run)

    def update(self, given):
        update = self.state_update(given)
        self.compiled.update_state(self.at(given), update.values, update.as_node)

    def bulk(self, given):
        steps = [[self.state_update(one) for one in step] for step in given["steps"]]
        self.compiled.bulk_update_state(self.at(given), steps)

    def state_update(self, given):
        node = given.get("as")
        node = {None: None, "START": "__start__"}.get(node, node and node_name(node))
        writes = given.get("writes") or list((given.get("values") or {}).items())
        values = [(key, *overwritten(value)) for key, value in writes]
        values = [(key, self.keys.written(key, value, over)) for key, value, over in values]
        distinct = len({key for key, _ in values}) == len(values)
        return StateUpdate(dict(values) if distinct else Command(update=values), node)

    def copy(self, given):
        self.compiled.update_state(self.at(given), None, "__copy__")


def overwritten(value):
    if isinstance(value, dict) and set(value) == {"overwrite"}:
        return value["overwrite"], True
    return value, False
