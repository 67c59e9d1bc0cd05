"""HTTP through the host. Need: ``http:<rule>``. Redirects are not followed.

``ctx.http.get(url)`` and the like send one request; ``fetch_all`` sends several at once.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack
from urllib.parse import urlencode

from .answers import Answer, only
from .blobs import Blob
from .failure import Failed, Upstream
from .secret import Secret
from .values import to_json

if TYPE_CHECKING:
    from .host import Host

Body = bytes | Blob | dict[str, Any]
"""Bytes, or a blob (``{"$blob": …}``)."""
Headers = Mapping[str, str] | Iterable[tuple[str, str]]
"""By name, or as pairs where a name comes twice."""
Params = Mapping[str, str | int | float | list[str]]
"""What stands behind the ``?`` of a URL."""


class Options(TypedDict, total=False):
    """What can be said beside the URL.

    ``json`` becomes the body with its header, ``params`` go behind the URL's ``?``, and the host
    puts the secret ``bearer`` into the header ``authorization``.
    """

    params: Params | None
    headers: Headers
    json: Any
    body: str | Body | None
    bearer: Secret | None
    credentials: Iterable[Credential]
    timeout_ms: int | None


RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed later."""
SHOWN_CHARACTERS_MAX = 500
"""How much of a body the failure of ``raise_for_status`` shows."""


@dataclass
class Credential:
    """A header that the host fills from a secret: its template is such as ``Bearer {}``."""

    header: str
    template: str
    secret: Secret


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

    def __post_init__(self) -> None:
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
    request: Request | None = field(default=None, compare=False, repr=False)
    """What it answers."""

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
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
            return json_module.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise Upstream("unreadable_body", f"the body is no JSON: {error}") from error

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first header of that name, in whatever case."""
        found = (value for known, value in self.headers if known.lower() == name.lower())
        return next(found, default)

    def raise_for_status(self) -> Self:
        """The response itself, or ``Upstream`` with a code such as ``http_404`` from 400 on.

        A retry policy sees whether the same request may succeed later, and when.
        """
        if self.ok:
            return self
        asked = f"{self.request.method} {self.request.url}" if self.request else "the server"
        raise Upstream(
            f"http_{self.status}",
            f"{asked} answered {self.status}",
            retryable=self.status in RETRYABLE,
            retry_after_ms=self._retry_after_ms(),
            details={"status": self.status, "body": self._shown()},
        )

    def _retry_after_ms(self) -> int | None:
        """A date there is left to whoever reads the headers."""
        after = self.header("retry-after", "")
        return int(after) * 1000 if after and after.isascii() and after.isdigit() else None

    def _shown(self) -> str:
        if isinstance(self.body, dict):
            return ""
        return self.body.decode(errors="replace")[:SHOWN_CHARACTERS_MAX]


class Http:
    """``ctx.http``."""

    def __init__(self, host: Host):
        self._host = host

    def fetch(self, request: Request) -> Response:
        """Sends a request."""
        return only(self.fetch_all([request]))

    def fetch_all(self, requests: Iterable[Request]) -> list[Answer[Response]]:
        """Sends several requests at once."""
        sent = list(requests)
        answers = self._host.fetch(sent)
        for request, answer in zip(sent, answers, strict=False):
            if isinstance(answer, Response):
                answer.request = request
        return answers

    def request(self, method: str, url: str, **options: Unpack[Options]) -> Response:
        """Sends a request with that method; see ``Options`` for what else can be said."""
        json, body = options.get("json"), options.get("body")
        if json is not None and body is not None:
            raise Failed("bad_argument", "give json or body, not both: each is the whole body")
        headers, bearer = options.get("headers", ()), options.get("bearer")
        credentials = list(options.get("credentials", ()))
        if bearer is not None:
            credentials.append(Credential("authorization", "Bearer {}", bearer))
        request = Request(
            method,
            _with_params(url, options.get("params")),
            list(headers.items() if isinstance(headers, Mapping) else headers),
            body,
            json,
            options.get("timeout_ms"),
            credentials,
        )
        return self.fetch(request)

    def get(self, url: str, **options: Unpack[Options]) -> Response:
        """``GET``; see ``Options``."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Unpack[Options]) -> Response:
        """``HEAD``; see ``Options``."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, **options: Unpack[Options]) -> Response:
        """``POST``, as in ``post(url, json=value)``; see ``Options``."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[Options]) -> Response:
        """``PUT``; see ``Options``."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[Options]) -> Response:
        """``PATCH``; see ``Options``."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[Options]) -> Response:
        """``DELETE``; see ``Options``."""
        return self.request("DELETE", url, **options)


def _with_params(url: str, params: Params | None) -> str:
    if not params:
        return url
    before, mark, fragment = url.partition("#")
    joint = "&" if "?" in before else "?"
    return f"{before}{joint}{urlencode(params, doseq=True)}{mark}{fragment}"
