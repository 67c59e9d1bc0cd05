"""The oracle: reads cases as lines of JSON, runs each in LangGraph, answers with its records.

It schedules nothing. What runs when, what is written in which order, what a history holds and
what an error stops are LangGraph's doing.
"""

import json
import sys
import time
import traceback
import warnings

import langgraph.pregel._retry as retry

from actions import Thread, error_class
from expressions import Expressions
from records import waits


class NoWaiting:
    """The clock of retries: it tells the time, and does not let it pass."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    @staticmethod
    def sleep(seconds):
        waits.append(round(seconds * 1000))


def run(expressions, case):
    try:
        thread = Thread(expressions, case["workflows"], case["root"])
    except Exception as raised:
        return [{"action": "compile", "status": "refused", "error": error_class(raised)}]
    return [thread.act(action) for action in case["actions"]]


def main():
    warnings.simplefilter("ignore")
    retry.time = NoWaiting
    expressions = Expressions(sys.argv[1])
    for line in sys.stdin:
        try:
            answer = {"records": run(expressions, json.loads(line))}
        except Exception:
            answer = {"crash": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
