"""What an action led to, in the form that both sides of the comparison write."""

import json
import re

from langgraph.errors import InvalidUpdateError
from langgraph.types import StateSnapshot

from nodes import file_name
from values import plain, text

# The waits before further attempts, in milliseconds.
waits = []

# An id that add_messages made up: the n-th that appears is written so.
MADE_UP = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")


def key(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def path_key(task):
    """Plain tasks by name, then sends as they were sent."""
    kind, place = task.path[0], task.path[1]
    return (kind == "__pregel_push", place if isinstance(place, int) else 0, task.name)


def sorted_tasks(snapshot):
    return sorted(snapshot.tasks, key=path_key)


class Recorder:
    """Hears the stream of one thread and reads its history."""

    def __init__(self, graph, compiled, config):
        self.graph = graph
        self.compiled = compiled
        self.config = config
        self.history = []
        self.depths = {}
        self.finished = {}
        self.committed = {}
        self.heard = set()
        self.custom = []
        self.values = []
        self.stands = False
        self.names = {}

    def hear(self, ns, mode, chunk):
        if mode == "custom":
            self.custom.append(plain(chunk))
        elif mode == "values" and not ns:
            self.values.append(self.chunk(chunk))
        elif mode == "updates" and not ns:
            # A breakpoint says so with no question in it.
            self.stands = self.stands or chunk.get("__interrupt__") == ()
        elif mode == "debug" and chunk["type"] == "checkpoint":
            self.committed[ns] = chunk["step"]
        elif mode == "debug" and chunk["type"] == "task_result":
            self.result(ns, chunk["step"], chunk["payload"])

    def chunk(self, chunk):
        asked = chunk.get("__interrupt__")
        if asked is not None:
            return {"interrupts": [text(i.value) for i in asked]}
        return {"values": self.graph.keys.outgoing(chunk)}

    def result(self, ns, step, payload):
        if payload.get("error") is not None or payload.get("interrupts"):
            return
        if file_name(payload["name"]) == "__start__":
            return
        writes = {name: several(value) for name, value in (payload["result"] or {}).items()}
        done = [file_name(payload["name"]), writes]
        self.finished[payload["id"]] = (ns, step, done)
        self.heard.add(payload["id"])

    def drop_open(self):
        """What tasks of an open super-step did counts no more."""
        self.finished.clear()

    def record(self, kind, error, given):
        snapshot = self.snapshot()
        waiting = self.interrupts(snapshot)
        added = self.new_history(given)
        record = {
            "action": kind,
            "status": status(error, waiting, self.stands or bool(snapshot.next)),
            "values": self.values_now(),
            "next": open_nodes(snapshot, error),
            "interrupts": [[node, text(asked.value)] for node, asked in waiting],
            "steps": self.steps(),
            "history": added,
            "history_length": len(self.history),
        }
        if error is not None:
            record["error"] = error
        if self.custom:
            record["custom"] = sorted(self.custom, key=key)
        if given.get("stream"):
            record["stream"] = self.values
        if given.get("waits"):
            record["waits"] = sorted(waits)
        self.custom, self.values, self.stands = [], [], False
        waits.clear()
        return self.renamed(record)

    def snapshot(self):
        """How the thread stands. Writes that cannot be reduced make LangGraph raise here as well:
        then every task of the super-step has finished."""
        try:
            return self.compiled.get_state(self.config, subgraphs=True)
        except (InvalidUpdateError, TypeError, ValueError):
            newest = next(self.compiled.get_state_history(self.config))
            return newest._replace(next=(), interrupts=())

    def values_now(self):
        """The newest checkpoint's: what finished siblings of an open task wrote does not count."""
        return self.graph.keys.outgoing(self.history[-1].values) if self.history else {}

    def interrupts(self, snapshot=None):
        """Every open question with the innermost node that asks it, in order of the tasks."""
        snapshot = snapshot or self.snapshot()
        found = []
        for task in sorted_tasks(snapshot):
            if task.result is not None:
                continue
            if isinstance(task.state, StateSnapshot):
                # The task itself still shows what was asked in there before, and answered.
                found.extend(self.interrupts(task.state))
            else:
                found.extend((file_name(task.name), asked) for asked in task.interrupts)
        return found

    def steps(self):
        """The super-steps that were committed: of each level, what their tasks wrote."""
        levels = {}
        for task, (ns, step, done) in list(self.finished.items()):
            if step <= self.committed.get(ns, step - 1):
                del self.finished[task]
                levels.setdefault(ns, {}).setdefault(step, []).append(done)
        found = []
        for ns, steps in levels.items():
            tasks = [sorted(tasks, key=key) for _, tasks in sorted(steps.items())]
            found.append({"level": level(ns), "steps": tasks})
        return sorted(found, key=key)

    def new_history(self, given):
        """The checkpoints that were added: LangGraph's `input` ones have no twin here."""
        found = [s for s in self.compiled.get_state_history(self.config)][::-1]
        shown = [s for s in found if "__start__" not in s.next]
        hidden = {id_of(s.config) for s in found if "__start__" in s.next}
        known = {id_of(s.config) for s in self.history}
        added = []
        for snapshot in shown:
            if id_of(snapshot.config) not in known:
                added.append(self.entry(snapshot, hidden, given))
                self.recall(snapshot, found)
        self.history = shown
        return added

    def recall(self, snapshot, found):
        """A task that finished while another one failed may not have been heard: the checkpoint
        before the super-step knows what it wrote. With `exit` the parent lies further back, and
        its tasks were not done."""
        if snapshot.metadata["source"] != "loop" or snapshot.parent_config is None:
            return
        parent = id_of(snapshot.parent_config)
        before = next((s for s in found if id_of(s.config) == parent), None)
        if before is None or before.metadata["step"] + 1 != snapshot.metadata["step"]:
            return
        for task in before.tasks:
            if task.result is not None and task.id not in self.heard:
                payload = {"id": task.id, "name": task.name, "result": task.result}
                self.result((), snapshot.metadata["step"], payload)

    def entry(self, snapshot, hidden, given):
        parent = id_of(snapshot.parent_config) if snapshot.parent_config else None
        source = snapshot.metadata["source"]
        begins = source != "loop" or parent is None or parent in hidden
        depth = 0 if begins else self.depths.get(parent, 0) + 1
        self.depths[id_of(snapshot.config)] = depth
        entry = {
            "source": "input" if source == "loop" and begins else source,
            "step": depth,
            "next": sorted(file_name(name) for name in snapshot.next),
            "values": self.graph.keys.outgoing(snapshot.values),
        }
        if given.get("durability") == "exit":
            # The steps before it are no history, so it does not know its place.
            entry |= {"source": "loop", "step": None}
        return entry

    def renamed(self, value):
        if isinstance(value, str):
            if not MADE_UP.match(value):
                return value
            return self.names.setdefault(value, f"<id {len(self.names) + 1}>")
        if isinstance(value, list):
            return [self.renamed(item) for item in value]
        if isinstance(value, dict):
            return {name: self.renamed(value[name]) for name in sorted(value)}
        return value


def status(error, waiting, stands):
    if error is not None:
        return "failed"
    if waiting:
        return "waiting"
    return "paused" if stands else "completed"


def several(value):
    """The writes of one task to one key."""
    if isinstance(value, dict) and set(value) == {"$writes"}:
        return [as_written(plain(item)) for item in value["$writes"]]
    return [as_written(plain(value))]


def as_written(value):
    """Ids that were made up are no part of what a node wrote."""
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if isinstance(value, dict) and MADE_UP.match(str(value.get("id", ""))):
        return {name: item for name, item in value.items() if name != "id"}
    return value


def level(ns):
    """The names of the nodes that lead to a level, without their tasks' ids."""
    parts = (part.partition(":")[0] for part in ns)
    return "/".join(file_name(part) for part in parts if not part.isdigit())


def open_nodes(snapshot, error):
    """The nodes that are still to be done. A failure that did not fail the run is handled."""
    names = list(snapshot.next)
    if error is None:
        for task in snapshot.tasks:
            if task.error is not None and task.name in names:
                names.remove(task.name)
    return sorted(file_name(name) for name in names)


def id_of(config):
    return config["configurable"]["checkpoint_id"]
