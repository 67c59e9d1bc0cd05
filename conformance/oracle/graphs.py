"""From workflow files to StateGraphs: one call of LangGraph's for each thing in the file."""

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONF, CONFIG_KEY_READ
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy, Send

from expressions import Failure
from nodes import SENT, Behaviour, handlers, node_name, task_of
from values import Keys, schema

# Super-steps of a workflow that names no limit.
STEPS_MAX = 1_000
# Which failures a rule without `on` tries again.
PASSING = {"upstream", "timeout", "trap", "bad_output"}


class Graph:
    """One workflow and its compiled form."""

    def __init__(self, world, draft, checkpointer):
        self.world = world
        self.draft = draft
        self.keys = Keys(draft)
        self.nodes = {
            name: Behaviour(world, self.keys, name, node) for name, node in draft["nodes"].items()
        }
        state = draft["state"]
        self.builder = StateGraph(
            schema("State", draft, state),
            input_schema=schema("Input", draft, draft["input"]),
            output_schema=None if checkpointer is world.saver else self.output(),
        )
        self.add_nodes()
        self.add_edges()
        pauses = draft.get("interrupt") or {}
        compiled = self.builder.compile(
            checkpointer=checkpointer,
            interrupt_before=[node_name(n) for n in pauses.get("before", [])],
            interrupt_after=[node_name(n) for n in pauses.get("after", [])],
        )
        limits = draft.get("limits") or {}
        steps = limits.get("steps_max") or STEPS_MAX
        self.compiled = compiled.with_config(recursion_limit=steps)

    def output(self):
        return schema("Output", self.draft, self.draft["output"])

    def incoming(self, given):
        return {key: self.keys.incoming(key, value) for key, value in given.items()}

    def outgoing(self, state):
        return self.keys.outgoing(state) if state is not None else None

    # Nodes.

    def add_nodes(self):
        for name, behaviour in self.nodes.items():
            node = behaviour.node
            self.builder.add_node(
                node_name(name),
                self.function(name, behaviour),
                defer=node.get("defer", False),
                retry_policy=[policy(rule) for rule in node.get("retry") or []] or None,
                error_handler=self.handler(name, node.get("on_error")),
            )

    def function(self, name, behaviour):
        if isinstance(behaviour.work, dict) and "workflow" in behaviour.work:
            return self.subgraph(name, behaviour)

        def run(state, config: RunnableConfig):
            return behaviour.run(state, config)

        return run

    def subgraph(self, name, behaviour):
        """A subgraph is added as it is where nothing is mapped and nothing sent."""
        used = behaviour.work["workflow"]
        keeps = {"none": None, "thread": True}[used.get("persist", "none")]
        child = Graph(self.world, self.world.draft(used["workflow"]), keeps)
        behaviour.child = child
        mapped = behaviour.node.get("in") is not None or behaviour.node.get("out") is not None
        if not mapped and name not in sent_to(self.draft):
            return child.compiled
        inner = child.compiled

        def run(state, config: RunnableConfig):
            behaviour.invoke = lambda given: inner.invoke(given)
            return behaviour.run(state, config)

        return run

    def handler(self, failing, name):
        if name is None:
            return None
        behaviour = self.nodes[name]
        edges = [edge for edge in self.draft["edges"] if edge["from"] == {"node": name}]
        handlers[f"__error_handler__{node_name(failing)}"] = node_name(name)

        def handle(state, config: RunnableConfig, error: NodeError):
            return behaviour.handle(state, config, error, lambda scope: self.targets(edges, scope))

        return handle

    # Edges.

    def add_edges(self):
        for place, edge in enumerate(self.draft["edges"]):
            source = edge["from"]
            if isinstance(source, dict) and "all" in source:
                sources = [node_name(name) for name in source["all"]]
                for target in plain_targets(edge["rule"]["to"]):
                    self.builder.add_edge(sources, target)
                continue
            start = START if source == "start" else node_name(source["node"])
            if "to" in edge["rule"]:
                for target in plain_targets(edge["rule"]["to"]):
                    self.builder.add_edge(start, target)
            else:
                self.add_router(start, edge, place)

    def add_router(self, start, edge, place):
        def route(state, config: RunnableConfig):
            state = config[CONF][CONFIG_KEY_READ](self.keys.names, True)
            bindings, sent = self.world.sent_with(task_of(config))
            scope = {"state": self.keys.outgoing(state), "bindings": bindings, "sent": sent}
            return self.targets([edge], scope)

        route.__name__ = f"edge_{place}"
        self.builder.add_conditional_edges(start, route, possible(edge["rule"]))

    def targets(self, edges, scope):
        """Where edges lead in a state."""
        found = []
        for edge in edges:
            rule = edge["rule"]
            if "to" in rule:
                found.extend(plain_targets(rule["to"]))
            elif "branch" in rule:
                found.extend(plain_targets(self.chosen(rule["branch"], scope)))
            else:
                found.extend(self.items(rule["each"], scope))
        return found

    def chosen(self, arms, scope):
        for arm in arms:
            if arm.get("when") is None:
                return arm
            holds = self.world.expressions.evaluate(arm["when"], scope)
            if not isinstance(holds, bool):
                raise Failure("failed", "type", "a condition must be true or false")
            if holds:
                return arm
        raise Failure("failed", "no_branch", "no arm of the branch holds")

    def items(self, each, scope):
        items = self.world.expressions.evaluate(each["items"], scope)
        if not isinstance(items, list):
            raise Failure("failed", "type", "each goes over a list")
        if not items and each.get("empty"):
            return [node_name(each["empty"])]
        name = each["as"]
        return [
            Send(node_name(to), {SENT: [{name: item}, None]}) for item in items for to in each["to"]
        ]


def plain_targets(arm):
    return [END if to == "end" else node_name(to["node"]) for to in arm["to"]]


def possible(rule):
    """Every target of a conditional edge, which LangGraph checks when it compiles."""
    if "branch" in rule:
        return [target for arm in rule["branch"] for target in plain_targets(arm)]
    each = rule["each"]
    return [node_name(name) for name in [*each["to"], *filter(None, [each.get("empty")])]]


def sent_to(draft):
    """The nodes that some edge or exit sends to."""
    nodes = set()
    for edge in draft["edges"]:
        nodes.update(edge["rule"].get("each", {}).get("to", []))
    for node in draft["nodes"].values():
        nodes.update((node.get("goto") or {}).values())
    return nodes


def policy(rule):
    def applies(error):
        if not isinstance(error, Failure):
            return False
        if rule["on"]:
            return error.kind in rule["on"] or error.code in rule["on"]
        return error.kind in PASSING or error.kind in ("failed", "limit") and error.retryable

    return RetryPolicy(
        initial_interval=rule["initial_ms"] / 1000,
        backoff_factor=rule["factor"],
        max_interval=rule["max_ms"] / 1000,
        max_attempts=rule["max_attempts"],
        jitter=rule["jitter"],
        retry_on=applies,
    )
