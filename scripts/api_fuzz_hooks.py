"""What schemathesis asks of real things, and how often it asked what.

Loaded by schemathesis itself: see api_fuzz.py, which says by variables what there is.
"""

import atexit
import collections
import json
import os
import pathlib
import zlib

import schemathesis
from hypothesis import strategies as st

KNOWN = json.loads(pathlib.Path(os.environ["API_FUZZ_KNOWN"]).read_text())
COMPONENT = pathlib.Path(os.environ["API_FUZZ_COMPONENT"]).read_bytes()
WORKFLOW = pathlib.Path(os.environ["API_FUZZ_WORKFLOW"]).read_text()
KEPT_MAX = 64

counts = collections.defaultdict(collections.Counter)


@atexit.register
def write():
    pathlib.Path(os.environ["API_FUZZ_COUNTS"]).write_text(json.dumps(counts))


def bodies(real):
    """Bytes of nothing, and a real one with a few of its bytes gone, or whole."""
    cut = st.integers(0, len(real)).map(lambda at: real[:at])
    return st.one_of(st.binary(max_size=256), st.just(real), cut)


schemathesis.openapi.media_type("application/wasm", bodies(COMPONENT))
for media_type in ("application/yaml", "application/x-yaml", "text/yaml"):
    schemathesis.openapi.media_type(media_type, bodies(WORKFLOW.encode()))


# Of a stream the schema is that of the whole text; the tool holds each event to it.
EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}


@schemathesis.hook
def before_load_schema(ctx, schema):
    for item in schema["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                stream = response.get("content", {}).get("text/event-stream")
                if stream:
                    stream["schema"] = EVENT
            # Of a type whose bodies are made above, it sends no example but one of bytes.
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                if "yaml" in media_type:
                    body.pop("example", None)


def pool(name, path):
    """What there is of that, where it stands in that path."""
    if name == "name":
        return KNOWN.get("plugin_name" if "/plugins/" in path else "workflow_name", [])
    # The stream of a run that waits for somebody has no end but that of its time.
    if name == "run" and path.endswith(("/events", "/stream")):
        return KNOWN.get("ended_run", [])
    return KNOWN.get(name, [])


def number(value):
    return zlib.crc32(repr(value).encode())


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """In two cases of three a path names something real; which, follows from what was drawn, so
    that a failure can be repeated."""
    path, parameters = case.operation.path, case.path_parameters or {}
    for name, drawn in parameters.items():
        there = pool(name, path)
        if there and number(drawn) % 3:
            parameters[name] = there[number((name, drawn)) % len(there)]
    # The tenant of the key that everything is done with is not for experiments.
    if parameters.get("tenant") == "default":
        parameters["tenant"] = "acme"
    # Nothing is learnt from a longer wait.
    if isinstance(case.query, dict) and str(case.query.get("wait", ""))[:1].isdigit():
        case.query["wait"] = "200ms"


@schemathesis.hook
def after_call(ctx, case, response):
    """Counts, and remembers what was made."""
    operation = case.operation
    # A method that the path does not have is a question about the path.
    if case.method.upper() == operation.method.upper():
        counts[operation.label][str(response.status_code)] += 1
    if (
        response.status_code in (200, 201, 202)
        and "json" in response.headers.get("content-type", [""])[0]
    ):
        remember(response)


def remember(response):
    try:
        made = response.json()
    except ValueError:
        return
    if not isinstance(made, dict):
        return
    kind, id = made.get("kind"), made.get("id")
    if isinstance(kind, str) and isinstance(id, str) and id != "default":
        there = KNOWN.setdefault(kind, [])
        if id not in there and len(there) < KEPT_MAX:
            there.append(id)
