"""Expressions, templates and schemas, by the evaluator under test: a process that answers lines.

What an expression means is not LangGraph's to say, so both sides ask the same program, and a
difference between them is a difference of graphs.
"""

import json
import subprocess
import threading


MARK = "failure of a node: "


class Failure(Exception):
    """A failure of a node, in the words that a workflow file has for it."""

    def __init__(self, kind, code, message, retryable=False):
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.retryable = retryable

    def __repr__(self):
        """What a checkpoint keeps of it."""
        return MARK + json.dumps([self.kind, self.code, self.message, self.retryable])

    @staticmethod
    def of(error):
        """The failure that an error is, also where only its text was kept."""
        if isinstance(error, Failure):
            return error
        text = str(error)
        if MARK in text:
            return Failure(*json.loads(text[text.index(MARK) + len(MARK) :]))
        return Failure("failed", type(error).__name__, text)


class Expressions:
    """A client of `conformance eval`. Nodes of one super-step run in threads, hence the lock."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "eval"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lock = threading.Lock()

    def ask(self, scope, jobs):
        """The values of some jobs in one scope. The first that has none is raised."""
        line = json.dumps({"scope": scope, "jobs": jobs})
        with self.lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the evaluator is gone")
        values = []
        for reply in json.loads(answer):
            if "error" in reply:
                code, message = reply["error"]
                raise Failure("failed", code, message)
            values.append(reply["value"])
        return values

    def evaluate(self, source, scope):
        return self.ask(scope, [["evaluate", source]])[0]

    def render(self, template, scope):
        return self.ask(scope, [["render", template]])[0]

    def misses(self, schema, value):
        """Where a value does not fit a schema; nothing where it does."""
        return self.ask(None, [["check", schema, value]])[0]

    def fill(self, template, scope):
        """The value of JSON whose string leaves are expressions; a name in brackets is one."""
        sources = []
        collect(template, sources)
        if not sources:
            return template
        values = self.ask(scope, [["evaluate", source] for source in sources])
        return replace(template, iter(values))


def computed(name):
    return name[1:-1] if name.startswith("[") and name.endswith("]") else None


def collect(template, sources):
    if isinstance(template, str):
        sources.append(template)
    elif isinstance(template, list):
        for item in template:
            collect(item, sources)
    elif isinstance(template, dict):
        for name, value in template.items():
            if (source := computed(name)) is not None:
                sources.append(source)
            collect(value, sources)


def replace(template, values):
    if isinstance(template, str):
        return next(values)
    if isinstance(template, list):
        return [replace(item, values) for item in template]
    if isinstance(template, dict):
        filled = {}
        for name, value in template.items():
            name = str(next(values)) if computed(name) is not None else name
            filled[name] = replace(value, values)
        return filled
    return template
