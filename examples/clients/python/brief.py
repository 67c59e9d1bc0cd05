"""Runs examples/brief over the API: installs its plugins, registers its workflow, starts a run,
waits for it and prints the report. The client is what openapi-python-client made of openapi.json.

WFORGE_SERVER=http://127.0.0.1:7420 WFORGE_API_KEY=… python brief.py WORKFLOW DOCUMENT PLUGIN…
"""

import os
import pathlib
import sys
import time

from wforge_client import AuthenticatedClient
from wforge_client.api.plugins import install_plugin
from wforge_client.api.runs import show_run, start_run
from wforge_client.models import RunStart
from wforge_client.types import File

POLL_S = 0.2
# A plugin is compiled before its installation is answered, which may take two minutes.
TIMEOUT_S = 180
ENDED = ("completed", "failed", "cancelled")


def given(answer):
    """What was answered; a refusal is an error with its code and what to do."""
    if answer.status_code >= 300:
        raise SystemExit(f"{int(answer.status_code)} {answer.content.decode()}")
    return answer.parsed


def register(client, path):
    """A workflow file is text of one of several media types, of which generated code cannot choose
    one; so this is a request of its own, over the same client."""
    answer = client.get_httpx_client().post(
        "/v1/workflows",
        content=pathlib.Path(path).read_bytes(),
        headers={"content-type": "application/yaml"},
    )
    if not answer.is_success:
        raise SystemExit(f"{answer.status_code} {answer.text}")


def main(workflow, document, *plugins):
    client = AuthenticatedClient(
        base_url=os.environ["WFORGE_SERVER"], token=os.environ["WFORGE_API_KEY"], timeout=TIMEOUT_S
    )
    for plugin in plugins:
        component = File(payload=pathlib.Path(plugin).read_bytes())
        given(install_plugin.sync_detailed(client=client, body=component))
    register(client, workflow)
    body = {
        "workflow": "brief",
        "input": {"document": pathlib.Path(document).read_text()},
        "answers": {"approve": {"approve": True}},
    }
    body = RunStart.from_dict(body)
    run = given(start_run.sync_detailed(client=client, body=body, wait="10s")).to_dict()
    while run["status"] not in ENDED:
        time.sleep(POLL_S)
        run = given(show_run.sync_detailed(run["id"], client=client)).to_dict()
    if run["status"] != "completed":
        raise SystemExit(f"{run['id']} is {run['status']}: {run.get('error')}")
    sys.stdout.write(run["output"]["report"])


if __name__ == "__main__":
    main(*sys.argv[1:])
