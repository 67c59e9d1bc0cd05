"""Fills a server with real data, has schemathesis fuzz it, and says what came of each operation.

An operation passes where schemathesis found nothing wrong with it, no answer was 5xx, and it was
asked as often as it should be. An operation without anything to vary is asked once in each phase:
there are no further examples of it. Last line: `N passed, M failed`.
"""

import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "target/api-fuzz"
PROGRAM = ROOT / "target/debug/wforge"
PLUGINS = ROOT / "target/plugins"
STARTS_WITHIN_S = 60
# A component is compiled before it is answered, which may take two minutes.
ANSWERS_WITHIN_S = 180
# How often an operation is taken up again that was asked too seldom.
AGAIN_MAX = 10
METHODS = ("get", "post", "put", "patch", "delete")

# What a tenant may do by default would be used up in a second; a stream ends by itself after two,
# which is the time that each gets.
SETTINGS = {
    "SERVER__LISTEN": "127.0.0.1:0",
    "LIMITS__TENANT__REQUESTS_PER_SECOND_MAX": "1000000",
    "LIMITS__TENANT__REQUESTS_BURST_MAX": "1000000",
    "LIMITS__API__CONNECTIONS_PER_ADDRESS_MAX": "0",
    "LIMITS__API__AUTH_FAILURES_PER_MINUTE_MAX": "1000000",
    "LIMITS__API__STREAM_AGE_MS_MAX": "2000",
    "LOG": "error",
}
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,"
    "unsupported_method,missing_required_header,ignored_auth"
)

ASKS = """apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { who: { schema: { type: string } }, yes: {} }
input: [who]
output: [yes]
nodes:
  approve:
    ask: { prompt: 'May {{ state.who }} pass?', schema: { type: boolean } }
    out: { yes: result }
edges: [{ from: START, to: approve }]
"""
FAILS = """apiVersion: workflowforge/v1
name: fails
version: 1.0.0
state: { said: {} }
input: []
output: [said]
nodes:
  bad:
    agent: mock
    mock: { script: [{ fail: { kind: failed, code: full, message: the disk is full } }] }
edges: [{ from: START, to: bad }]
"""


class Server:
    """One `wforge serve` on an empty data directory, killed at the end."""

    def __init__(self, folder):
        data = pathlib.Path(folder) / "data"
        # A file of its own, or the nearest one above is taken: the project's, whose plugins are all
        # compiled before anything is served.
        (pathlib.Path(folder) / "wforge.toml").touch()
        env = {"PATH": "/usr/bin:/bin", "WFORGE_DATA_DIR": str(data)}
        env |= {f"WFORGE_{name}": value for name, value in SETTINGS.items()}
        self.log = open(OUT / "server.log", "wb")
        self.process = subprocess.Popen(
            [PROGRAM, "serve"],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
        )
        file = data / "server.json"
        begun = time.monotonic()
        while not file.exists():
            if self.process.poll() is not None:
                raise SystemExit(f"api-fuzz: serve ended; see {OUT / 'server.log'}")
            if time.monotonic() - begun > STARTS_WITHIN_S:
                self.stop()
                raise SystemExit(f"api-fuzz: serve does not start; see {OUT / 'server.log'}")
            time.sleep(0.01)
        told = json.loads(file.read_text())
        self.url, self.key = f"http://{told['address']}", told["token"]

    def ask(self, method, path, body=None, media_type="application/json", headers=None):
        """The status and the answer, as JSON where it is such."""
        if body is not None and not isinstance(body, bytes):
            body = (body if media_type != "application/json" else json.dumps(body)).encode()
        headers = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if body is not None:
            headers["Content-Type"] = media_type
        request = urllib.request.Request(
            self.url + path, data=body, method=method.upper(), headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def make(self, path, body, **more):
        """What must succeed, or there is no real data."""
        status, answer = self.ask("POST", path, body, **more)
        if status >= 300:
            raise SystemExit(f"api-fuzz: POST {path}: {status} {answer}")
        return answer

    def is_well(self):
        return self.process.poll() is None and self.ask("GET", "/healthz")[0] == 200

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def fill(server, document):
    """Plugins, workflows, runs of every kind, threads, grants, keys, people, secrets; then what the
    examples of the description make."""
    for component in ("outline", "digest", "scan", "report"):
        component = (PLUGINS / f"wforge-{component}.wasm").read_bytes()
        server.make("/v1/plugins", component, media_type="application/wasm")
    brief = (ROOT / "examples/brief/workflow.yaml").read_text()
    for workflow in (brief, ASKS, FAILS):
        server.make("/v1/workflows", workflow, media_type="application/yaml")
    document_text = (ROOT / "examples/brief/input/handover.md").read_text()
    briefed = {"workflow": "brief", "input": {"document": document_text}}
    server.make("/v1/runs?wait=60s", {**briefed, "answers": {"approve": {"approve": True}}})
    server.make("/v1/runs?wait=60s", briefed)
    server.make("/v1/runs?wait=10s", {**briefed, "steps": 1})
    server.make("/v1/runs?wait=10s", {"workflow": "fails"})
    server.make("/v1/runs?wait=10s", {"workflow": "asks", "input": {"who": "Ann"}})
    for tenant in ("acme", "globex", "initech", "hooli"):
        server.make("/v1/tenants", {"id": tenant})
        server.make(f"/v1/tenants/{tenant}/keys", {"name": "first", "role": "admin"})
    for number in range(4):
        server.make("/v1/keys", {"name": f"spare-{number}", "role": "viewer"})
        server.make("/v1/members", {"subject": f"person-{number}@example.com", "role": "viewer"})
    tell_story(server, document)


def tell_story(server, document):
    """Sends the example of each operation in the order that the description gives them. Some cannot
    do here what they do in their own tests, for there was data before; what they make is a gain."""
    told = []
    for path, method, operation in operations(document):
        example = operation.get("x-wforge-example") or {}
        told.append((example.get("order") or 0, path, method, operation, example))
    names = {}
    for _, path, method, operation, example in sorted(told, key=lambda it: (it[0], it[1], it[2])):
        path, body, media_type = request_of(path, operation, example, names)
        # Nothing here may end what the fuzzing needs.
        if re.search(r"/(erase|suspend|gc)$", path) or "event-stream" in json.dumps(operation):
            continue
        status, answer = server.ask(method, path, body, media_type)
        if status >= 500:
            print(f"api-fuzz: the example of {method.upper()} {path}: {status} {answer}")
        for place, name in (example.get("gives") or {}).items():
            found = at(answer, place)
            if found is not None:
                names[name] = str(found)


def request_of(path, operation, example, names):
    """The example as a request: names of earlier answers replaced by what was really given."""

    def real(text):
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    query = []
    for parameter in operation.get("parameters", []):
        value = parameter.get("example")
        if value is None:
            continue
        if parameter["in"] == "path":
            value = urllib.request.quote(str(value), safe="@:")
            path = path.replace("{" + parameter["name"] + "}", value)
        elif parameter["in"] == "query":
            query.append(f"{parameter['name']}={urllib.request.quote(str(value))}")
    path = real(path + ("?" + "&".join(query) if query else ""))
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, described in content.items():
        if example.get("component"):
            name = example["component"].replace("/", "-")
            found = sorted(PLUGINS.glob(f"**/{name}.wasm"))
            return path, found[0].read_bytes() if found else b"", media_type
        if "example" in described:
            body = described["example"]
            body = json.loads(real(json.dumps(body)))
            return path, body, media_type
    return path, None, "application/json"


def at(answer, place):
    """What is at that JSON pointer; a place without slashes is the name of a field."""
    for part in place.strip("/").split("/"):
        if isinstance(answer, list):
            answer = answer[int(part)] if part.isdigit() and int(part) < len(answer) else None
        else:
            answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def known(server, document):
    """The ids of everything that there is, by the name that paths have for it."""
    found = collections.defaultdict(list)
    for path, method, _ in operations(document):
        if method != "get" or "{" in path:
            continue
        _, page = server.ask("GET", path)
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            continue
        for item in page["items"]:
            kind, id = item.get("kind"), item.get("id")
            if not isinstance(kind, str) or not isinstance(id, str):
                continue
            found[kind].append(id)
            if kind == "plugin" and "/" in id:
                publisher, name = id.split("@")[0].split("/", 1)
                found["publisher"].append(publisher)
                found["plugin_name"].append(name)
            if kind == "workflow":
                found["workflow_name"].append(id.split("@")[0])
            for field in ("digest", "component", "subject", "thread", "question"):
                if isinstance(item.get(field), str):
                    found[field].append(item[field])
            if kind == "run" and item.get("status") in ("completed", "failed", "cancelled"):
                found["ended_run"].append(id)
    found["digest"] += found["component"]
    found["subject"] += found["member"]
    # The tenant of the key that everything is done with is not for experiments.
    found["tenant"] = [tenant for tenant in found["tenant"] if tenant != "default"]
    return {name: sorted(set(ids)) for name, ids in found.items() if ids}


def fuzz(server, document, seed, examples):
    """Runs schemathesis; the counts of its hooks, and its report by operation. It leaves off an
    operation sooner than it was told to where what it draws is too often the same; such a one is
    asked again, with other seeds."""
    chosen = ["--include-path-regex", os.environ["ONLY"]] if os.environ.get("ONLY") else []
    counts, wrong = schemathesis(server, document, seed, examples, chosen)
    # It does not ask for the description itself, which it was given.
    counts.setdefault("GET /openapi.json", {"200": 1})
    for again in range(1, AGAIN_MAX + 1):
        few = [label for label in labels(document) if asked(counts, label) < examples]
        for label in (label for label in few if varies(labels(document)[label])):
            method, path = label.split(" ")
            one = ["--include-path", path, "--include-method", method]
            more, found = schemathesis(server, document, seed + again, examples, one)
            before, now = (collections.Counter(of.get(label, {})) for of in (counts, more))
            counts[label] = dict(before + now)
            for name, titles in found.items():
                there = wrong.setdefault(name, [])
                there += [title for title in titles if title not in there]
    return counts, wrong


def labels(document):
    """The operations that are asked, by what schemathesis calls them."""
    only = re.compile(os.environ.get("ONLY") or "")
    return {
        f"{method.upper()} {path}": operation
        for path, method, operation in operations(document)
        if only.search(path)
    }


def varies(operation):
    return bool(operation.get("parameters") or operation.get("requestBody"))


def asked(counts, label):
    return sum(counts.get(label, {}).values())


def schemathesis(server, document, seed, examples, chosen):
    """One run of it over the operations that are chosen."""
    paths = {name: OUT / f"{name}.json" for name in ("known", "counts")}
    paths["known"].write_text(json.dumps(known(server, document), indent=1))
    paths["counts"].unlink(missing_ok=True)
    junit = OUT / "junit.xml"
    junit.unlink(missing_ok=True)
    config = OUT / "schemathesis.toml"
    config.write_text('headers = { Authorization = "Bearer ${API_FUZZ_KEY}" }\n')
    env = {
        **os.environ,
        "API_FUZZ_KEY": server.key,
        "API_FUZZ_KNOWN": str(paths["known"]),
        "API_FUZZ_COUNTS": str(paths["counts"]),
        "API_FUZZ_COMPONENT": str(PLUGINS / "wforge-outline.wasm"),
        "API_FUZZ_WORKFLOW": str(ROOT / "examples/brief/workflow.yaml"),
        "SCHEMATHESIS_HOOKS": str(ROOT / "scripts/api_fuzz_hooks.py"),
        "NO_COLOR": "1",
    }
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis",
        *("--config-file", config, "run", f"{server.url}/openapi.json", "--url", server.url),
        *("--phases", "examples,coverage,fuzzing,stateful", "--checks", CHECKS),
        *("--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure"),
        *("--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off"),
        *("--report", "junit", "--report-junit-path", junit, "--generation-database", "none"),
        *chosen,
    ]
    code = subprocess.run(command, env=env, cwd=OUT).returncode
    if not paths["counts"].exists() or not junit.exists():
        raise SystemExit(f"api-fuzz: schemathesis ended with {code} and left no report")
    return json.loads(paths["counts"].read_text()), wrong_by_operation(junit)


def wrong_by_operation(junit):
    """What was found, by operation: the titles, each once. The whole of it is in the report."""
    wrong = {}
    for case in xml.etree.ElementTree.parse(junit).iter("testcase"):
        titles = wrong.setdefault(case.get("name"), [])
        for found in case:
            if found.tag in ("failure", "error"):
                lines = (found.get("message") or found.text or "").splitlines()
                told = [line[2:] for line in lines if line.startswith("- ")]
                titles += [it for it in told or lines[:1] or ["failed"] if it not in titles]
    return wrong


def judge(document, counts, wrong, examples):
    """Prints a line for each operation; how many passed and failed."""
    passed = failed = 0
    print(f"{'':<6} {'operation':<66} {'asked':>6} {'2xx':>6} {'4xx':>6} {'5xx':>5}")
    tested = labels(document)
    for label, operation in tested.items():
        statuses = counts.get(label, {})
        of = {first: sum(n for it, n in statuses.items() if it[0] == first) for first in "2345"}
        times = asked(counts, label)
        reasons = list(wrong.get(label, []))
        if of["5"]:
            reasons.append(f"{of['5']} answers of 5xx")
        if times < (examples if varies(operation) else 1):
            reasons.append(f"asked {times} times")
        mark = "FAILED" if reasons else "ok"
        note = "" if varies(operation) else "  nothing to vary"
        note += "" if of["2"] else "  never succeeded"
        print(f"{mark:<6} {label:<66} {times:>6} {of['2']:>6} {of['4']:>6} {of['5']:>5}{note}")
        for reason in reasons:
            print(f"       {reason}")
        passed, failed = passed + (not reasons), failed + bool(reasons)
    # What is no operation: the phase that calls one after the other.
    for label in sorted(set(wrong) - set(tested)):
        print(f"{'FAILED' if wrong[label] else 'ok':<6} {label}")
        for text in wrong[label]:
            print(f"       {text}")
        passed, failed = passed + (not wrong[label]), failed + bool(wrong[label])
    heard = sum(label in counts for label in tested)
    print(f"{len(tested)} operations of openapi.json, {heard} were asked")
    return passed, failed


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    examples = int(os.environ.get("EXAMPLES") or 100)
    seed = int(os.environ.get("SEED") or random.randrange(1, 1 << 32))
    print(f"seed {seed}: SEED={seed} repeats it; {examples} examples an operation")
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        server = Server(folder)
        try:
            status, document = server.ask("GET", "/openapi.json")
            if status != 200:
                raise SystemExit(f"api-fuzz: GET /openapi.json: {status} {document}")
            fill(server, document)
            counts, wrong = fuzz(server, document, seed, examples)
            passed, failed = judge(document, counts, wrong, examples)
            well = server.is_well()
            metrics = server.ask("GET", "/metrics")[1] if well else ""
            panics = re.findall(r"^wforge_host_panics_total\S* ([1-9]\S*)", metrics, re.M)
            print(f"{'ok' if well else 'FAILED':<6} the server is the same process and well")
            print(f"{'FAILED' if panics else 'ok':<6} no part of the host broke on a call {panics}")
            passed += well + (not panics)
            failed += (not well) + bool(panics)
        finally:
            server.stop()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
