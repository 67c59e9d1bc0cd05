"""What a node of a workflow file does, as a function that LangGraph calls.

A function here reads the state, works out what is written and where it leads, and returns that in
LangGraph's words: a dict, a `Command`, a `Send`. When it is called is LangGraph's affair.
"""

import time

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONF, CONFIG_KEY_READ, CONFIG_KEY_TASK_ID
from langgraph.config import get_stream_writer
from langgraph.errors import NodeError
from langgraph.runtime import get_runtime
from langgraph.types import Command, Send, interrupt

from expressions import Failure
from values import text

# Node names get a prefix, since a state key and a node may share a name here, and not there.
PREFIX = "n_"
PARENT = "parent:"
SENT = "__sent__"


def node_name(name):
    return PREFIX + name


# The nodes that LangGraph makes for handlers, by the name that it gives them.
handlers = {}


def file_name(name):
    """The name in the file of a node of LangGraph's."""
    return handlers.get(name, name).removeprefix(PREFIX)


class Result:
    """What came of a node: writes in order, and exits."""

    def __init__(self):
        self.fields = {}
        self.whole = None
        self.is_whole = False
        self.writes = []
        self.gotos = []
        self.leaves = []

    def put(self, name, value, overwrite=False):
        self.fields[name] = value
        self.writes.append((name, value, overwrite))


class Behaviour:
    """One node of one workflow."""

    def __init__(self, world, keys, name, node):
        self.world = world
        self.keys = keys
        self.name = name
        self.node = node
        self.work = node["work"]

    # The functions that LangGraph calls.

    def run(self, arg, config: RunnableConfig):
        bindings, sent = self.world.remember(arg, config)
        self.world.count_step(config)
        return self.act(self.scope(config, bindings, sent))

    def handle(self, arg, config: RunnableConfig, error: NodeError, edges):
        """The same node as it handles another one's failure, and where its edges lead."""
        bindings, _ = self.world.remember(arg, config)
        failure = Failure.of(error.error)
        sent = {
            "node": file_name(error.node),
            "kind": failure.kind,
            "code": failure.code,
            "message": failure.message,
            "details": None,
        }
        scope = self.scope(config, bindings, sent)
        update = self.act(scope)
        update = update if isinstance(update, Command) else Command(update=update or {})
        written = update.update.items() if isinstance(update.update, dict) else update.update or ()
        after = scope | {"state": self.keys.after(scope["state"], written)}
        goto = update.goto if isinstance(update.goto, list) else [update.goto]
        return Command(update=update.update, goto=[*goto, *edges(after)])

    def scope(self, config, bindings, sent):
        state = config[CONF][CONFIG_KEY_READ](self.keys.names, False)
        return {
            "state": self.keys.outgoing(state),
            "bindings": bindings,
            "sent": sent,
            "attempt": get_runtime().execution_info.node_attempt,
        }

    def act(self, scope):
        kind = self.work if isinstance(self.work, str) else next(iter(self.work))
        result = Result()
        if kind == "set":
            for key, template in self.work["set"].items():
                result.writes.append((key, *self.write(template, scope)))
        elif kind == "ask":
            prompt = self.world.expressions.render(self.work["ask"]["prompt"], scope)
            result.whole, result.is_whole = interrupt(prompt), True
        elif kind == "workflow":
            result.whole, result.is_whole = self.call(scope), True
        else:
            self.play(scope, result)
        return self.update(scope, result, kind)

    # Scripts.

    def play(self, scope, result):
        script = (self.node.get("mock") or {}).get("script") or []
        if not script:
            result.whole, result.is_whole = (self.node.get("mock") or {}).get("output"), True
            return
        self.world.count_call(self.name)
        given = self.fill(self.node.get("in") or {}, scope)
        names = scope["bindings"] | {"input": given, "answers": []}
        scope = scope | {"bindings": names}
        for op in script:
            kind, rest = (op, None) if isinstance(op, str) else next(iter(op.items()))
            getattr(self, "op_" + kind)(rest, scope, result)

    def op_set(self, fields, scope, result):
        for name, template in fields.items():
            result.put(name, self.fill(template, scope))

    def op_append(self, fields, scope, result):
        for name, template in fields.items():
            result.put(name, [self.fill(template, scope)])

    def op_overwrite(self, fields, scope, result):
        for name, template in fields.items():
            result.put(name, self.fill(template, scope), True)

    def op_concat(self, fields, scope, result):
        for name, template in fields.items():
            result.put(name, self.world.expressions.render(template, scope))

    def op_identity(self, _, scope, result):
        result.whole, result.is_whole = scope["bindings"]["input"], True

    def op_return_none(self, _, scope, result):
        result.whole, result.is_whole = None, True

    def op_goto(self, exit, scope, result):
        self.leave(exit, None, False, scope, result)

    def op_send(self, send, scope, result):
        self.leave(send["exit"], self.fill(send["input"], scope), True, scope, result)

    def op_interrupt(self, prompt, scope, result):
        self.ask(self.fill(prompt, scope), scope)

    def op_interrupt_each(self, prompts, scope, result):
        for prompt in self.fill(prompts, scope):
            self.ask(prompt, scope)

    def ask(self, prompt, scope):
        scope["bindings"]["answers"].append(interrupt(text(prompt)))

    def op_fail(self, fail, scope, result):
        times = fail.get("times")
        if times is not None and scope["attempt"] > times:
            return
        retryable = fail.get("retryable", False)
        raise Failure(fail["kind"], fail["code"], fail["message"], retryable)

    def op_sleep(self, ms, scope, result):
        """For real: where a node fails, its siblings are to have finished."""
        time.sleep(ms / 1000)

    def op_emit(self, emit, scope, result):
        get_stream_writer()([emit["topic"], self.fill(emit["value"], scope)])

    def op_count(self, field, scope, result):
        result.put(field, self.world.calls[self.name])

    # Results.

    def leave(self, exit, value, with_input, scope, result):
        """An exit hands on the names of the task that takes it."""
        goto = self.node.get("goto") or {}
        target = goto.get(exit, goto.get("*"))
        names = own(scope["bindings"])
        to = node_name(target.removeprefix(PARENT))
        if with_input or names:
            to = Send(to, {SENT: [names, value]})
        (result.leaves if target.startswith(PARENT) else result.gotos).append(to)

    def update(self, scope, result, kind):
        if kind != "set":
            self.map_out(scope, result)
        writes = [(key, self.keys.written(key, v, over)) for key, v, over in result.writes]
        if result.leaves:
            return Command(graph=Command.PARENT, update=writes, goto=result.leaves)
        distinct = len({key for key, _ in writes}) == len(writes)
        if result.gotos or not distinct:
            return Command(update=writes, goto=result.gotos)
        return dict(writes) or None

    def map_out(self, scope, result):
        out = self.node.get("out")
        if out is not None:
            value = result.whole if result.is_whole else result.fields
            scope = scope | {"result": value}
            result.writes = [(key, *self.write(t, scope)) for key, t in out.items()]
        elif result.is_whole and result.whole is not None:
            result.writes = [(key, value, False) for key, value in result.whole.items()]

    def write(self, template, scope):
        overwrites = isinstance(template, dict) and set(template) == {"overwrite"}
        return self.fill(template["overwrite"] if overwrites else template, scope), overwrites

    def fill(self, template, scope):
        return self.world.expressions.fill(template, scope)

    # Subgraphs.

    def call(self, scope):
        given = self.node.get("in")
        if given is None:
            keys, state = self.child.draft["input"], scope["state"]
            given = {key: state[key] for key in keys if key in state}
        else:
            given = self.fill(given, scope)
        state = self.child.outgoing(self.invoke(self.child.incoming(given)))
        return {key: state[key] for key in self.child.draft["output"] if key in state}


def own(bindings):
    """The `as` names among what a script sees."""
    return {name: value for name, value in bindings.items() if name not in ("input", "answers")}


def payload(arg):
    """The names and the value that came with a send; nothing on any other path."""
    sent = arg.get(SENT) if isinstance(arg, dict) else None
    return sent if sent is not None else ({}, None)


def task_of(config):
    return config[CONF].get(CONFIG_KEY_TASK_ID)
