"""HTTP through the host. Need: ``http:<rule>``. Redirects are not followed."""

import json as json_module
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .answers import Answer, only
from .failure import Upstream
from .values import to_json

Body = bytes | dict[str, Any]
"""Bytes, or a blob (``{"$blob": …}``)."""


@dataclass
class Credential:
    """A header that the host fills from a secret: its template is such as ``Bearer {}``."""

    header: str
    template: str
    secret: Any


@dataclass
class Request:
    """One request. A body is text, bytes or a blob; ``json`` is a body with the header for it."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str | Body | None = None
    json: Any = None
    timeout_ms: int | None = None
    credentials: list[Credential] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.json is not None:
            self.headers = [("content-type", "application/json"), *self.headers]
            self.body = to_json("body", self.json)
        if isinstance(self.body, str):
            self.body = self.body.encode()


@dataclass
class Response:
    """One response, whatever its status. A large body is a blob."""

    status: int
    headers: list[tuple[str, str]]
    body: Body
    extra: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The body as text."""
        if isinstance(self.body, dict):
            raise Upstream("unreadable_body", "the body is large and came as a blob: read that")
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise Upstream("unreadable_body", f"the body is no UTF-8: {error}") from error

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return json_module.loads(self.text())
        except (ValueError, RecursionError) as error:
            raise Upstream("unreadable_body", f"the body is no JSON: {error}") from error


class Http:
    """``ctx.http``."""

    def __init__(self, host: Any):
        self._host = host

    def fetch(self, request: Request) -> Response:
        """Sends a request."""
        return only(self.fetch_all([request]))

    def fetch_all(self, requests: Iterable[Request]) -> list[Answer[Response]]:
        """Sends several requests at once."""
        return self._host.fetch(list(requests))
