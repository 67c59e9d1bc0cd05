"""State keys as channels, and values on their way in and out of LangGraph."""

import json
from functools import reduce as fold
from typing import Annotated, Any

from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langchain_core.messages import BaseMessage
from langgraph.channels import EphemeralValue, UntrackedValue
from langgraph.graph.message import REMOVE_ALL_MESSAGES, add_messages
from langgraph.types import Overwrite
from typing_extensions import TypedDict

ROLES = {"user": HumanMessage, "assistant": AIMessage, "system": SystemMessage}
NAMES = {"human": "user", "ai": "assistant", "system": "system"}

# The reducers, each as the operator that an author would hand to LangGraph.
REDUCERS = {
    "append": lambda old, new: old + new,
    "merge": lambda old, new: old | new,
    "union": lambda old, new: fold(lambda a, x: a if x in a else [*a, x], new, old),
    "sum": lambda old, new: old + new,
    "min": lambda old, new: min(old, new),
    "max": lambda old, new: max(old, new),
    # Not LangGraph's AnyValue, which forgets its value in a super-step that does not write it.
    "any": lambda old, new: new,
}
INITIAL = {"append": list, "merge": dict, "union": list, "sum": int}


class Unwritten:
    """A type that cannot be made: the channel begins without a value."""

    def __init__(self):
        raise TypeError("no value before the first write")


def beginning_with(value):
    """A type whose first value is `value`: how LangGraph learns what a key begins with."""
    return type("Default", (), {"__new__": lambda cls: json.loads(json.dumps(value))})


def annotation(spec):
    """The type of a key, as a field of the state."""
    reducer = spec.get("reducer", "last")
    if spec.get("volatile"):
        return Annotated[Any, UntrackedValue(Any, guard=reducer == "last")]
    if spec.get("ephemeral"):
        return Annotated[Any, EphemeralValue(Any, guard=reducer == "last")]
    if reducer == "messages":
        return Annotated[list, add_messages]
    if reducer == "last":
        return Any
    default = spec.get("default")
    first = INITIAL.get(reducer, Unwritten) if default is None else beginning_with(default)
    return Annotated[first, REDUCERS[reducer]]


def schema(title, draft, keys):
    return TypedDict(title, {key: annotation(draft["state"][key]) for key in keys})


class Keys:
    """The keys of one workflow's state."""

    def __init__(self, draft):
        self.specs = draft["state"]
        self.names = list(self.specs)

    def reducer(self, key):
        return self.specs[key].get("reducer", "last")

    def incoming(self, key, value):
        """A value as LangGraph takes it."""
        if self.reducer(key) != "messages":
            return value
        return [message(one) for one in value] if isinstance(value, list) else message(value)

    def written(self, key, value, overwrite):
        value = self.incoming(key, value)
        return Overwrite(value) if overwrite else value

    def after(self, state, writes):
        """A state as a workflow sees it once some writes counted: what the edges of a handler
        see, which are no edges to LangGraph."""
        state = dict(state)
        for key, value in writes:
            name = self.reducer(key)
            if isinstance(value, Overwrite) or name == "last" or key not in state:
                state[key] = plain(value)
            elif name == "messages":
                state[key] = plain(add_messages(self.incoming(key, state[key]), value))
            else:
                state[key] = REDUCERS[name](state[key], plain(value))
        return state

    def outgoing(self, state):
        """A state as a workflow sees it: with the defaults of keys that were never written."""
        seen = {}
        for key, spec in self.specs.items():
            if state is not None and key in state:
                seen[key] = plain(state[key])
            elif spec.get("default") is not None and not spec.get("ephemeral"):
                seen[key] = spec["default"]
        return seen


def message(value):
    if not isinstance(value, dict):
        raise TypeError(f"messages takes objects, not {value!r}")
    if set(value) == {"remove"}:
        return RemoveMessage(id=REMOVE_ALL_MESSAGES if value["remove"] == "*" else value["remove"])
    return ROLES[value.get("role", "user")](content=value.get("content", ""), id=value.get("id"))


def plain(value):
    """A value of LangGraph's as JSON."""
    if isinstance(value, Overwrite):
        return {"overwrite": plain(value.value)}
    if isinstance(value, RemoveMessage):
        return {"remove": "*" if value.id == REMOVE_ALL_MESSAGES else value.id}
    if isinstance(value, BaseMessage):
        named = {} if value.id is None else {"id": value.id}
        return named | {"role": NAMES[value.type], "content": value.content}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


def text(value):
    """A question's prompt: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
