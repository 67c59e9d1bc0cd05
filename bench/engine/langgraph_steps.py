"""What LangGraph takes for the work of `make bench-engine`: one JSON object on stdout.

The same work as ours: a chain of nodes that each append their name, without a checkpointer and with
InMemorySaver; and a conversation of turns of 1 kB on one thread, whose stored bytes are counted.
"""

import argparse
import json
import operator
import statistics
import sys
import time
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages


class Log(TypedDict):
    """The state of the chain."""

    log: Annotated[list, operator.add]


class Talk(TypedDict):
    """The state of the conversation."""

    messages: Annotated[list, add_messages]


def chain(nodes, checkpointer):
    """A graph of so many nodes in a row."""
    graph = StateGraph(Log)
    names = [f"n{index:02}" for index in range(nodes)]
    for name in names:
        graph.add_node(name, lambda state, name=name: {"log": [name]})
    for source, target in zip([START, *names], [*names, END]):
        graph.add_edge(source, target)
    return graph.compile(checkpointer=checkpointer)


def microseconds_per_step(nodes, runs, saver):
    """The median over runs of the time of a run, divided by its nodes."""
    graph = chain(nodes, InMemorySaver() if saver else None)
    times = []
    for run in range(runs + runs // 10):
        config = {"configurable": {"thread_id": str(run)}} if saver else {}
        begun = time.perf_counter()
        result = graph.invoke({"log": []}, config)
        if run >= runs // 10:
            times.append((time.perf_counter() - begun) * 1e6 / nodes)
        assert len(result["log"]) == nodes
    return statistics.median(times)


def stored_bytes(saver):
    """The bytes of every value that the saver keeps."""
    checkpoints = sum(
        len(part[1])
        for by_ns in saver.storage.values()
        for by_id in by_ns.values()
        for checkpoint, metadata, _ in by_id.values()
        for part in (checkpoint, metadata)
    )
    blobs = sum(len(blob[1]) for blob in saver.blobs.values())
    writes = sum(len(w[2][1]) for by_id in saver.writes.values() for w in by_id.values())
    return checkpoints + blobs + writes


def conversation(turns, marks):
    """Stored bytes after some numbers of turns, each a message of 1 kB and its answer."""
    saver = InMemorySaver()
    graph = StateGraph(Talk)
    graph.add_node("answer", lambda state: {"messages": [("ai", "y" * 1000)]})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    compiled = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "talk"}}
    found = {}
    for turn in range(1, turns + 1):
        compiled.invoke({"messages": [("user", "x" * 1000)]}, config)
        if turn in marks:
            found[turn] = stored_bytes(saver)
    return found


def main():
    """Measures what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--turns", type=int, default=500)
    given = parser.parse_args()
    from importlib.metadata import version

    marks = {given.turns // 5, given.turns // 2, given.turns}
    json.dump(
        {
            "version": version("langgraph"),
            "plain_us": microseconds_per_step(given.nodes, given.runs, saver=False),
            "saver_us": microseconds_per_step(given.nodes, given.runs, saver=True),
            "stored_bytes": conversation(given.turns, marks),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
