"""Fetches a page and says its title."""

import re
from dataclasses import dataclass

from workflowforge import Ctx, Upstream, agent


@dataclass
class Input:
    """The page; plugin.toml says on which servers it may be."""

    url: str


@dataclass
class Output:
    """The title; empty where the page has none."""

    title: str


@agent
def main(ctx: Ctx, input: Input) -> Output:
    """Fetches a page and says its title."""
    response = ctx.http.get(input.url)
    if not response.ok:
        status = response.status
        message = f"{input.url} answered with the status {status}"
        # A server that is busy may do better later; the workflow's `retry` decides.
        raise Upstream(f"http_{status}", message, retryable=status >= 500)
    return Output(title_in(response.text))


def title_in(page: str) -> str:
    """What stands between ``<title>`` and ``</title>``, in one line."""
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    return " ".join(found[1].split()) if found else ""
