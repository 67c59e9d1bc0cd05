"""``kv`` in memory, by the rules of the host: versions, expiry, pages and the sizes of keys and
values. Only how much fits in all is not counted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..failure import InvalidInput, Limit
from ..kv import Entry, Page
from ..values import to_json

KEY_BYTES_MAX = 512
VALUE_BYTES_MAX = 256 << 10
PAGE_ENTRIES_MAX = 1_000

Key = tuple[str, str]
"""Scope and key."""


@dataclass
class _Kept:
    text: str
    version: int
    expires_at: int | None

    def entry(self, key: str) -> Entry:
        return Entry(key, json.loads(self.text), self.version)


class Memory:
    """The memories of a run, its thread and the plugin."""

    def __init__(self, now: Callable[[], int]):
        self._now = now
        self._kept: dict[Key, _Kept] = {}
        # Outlives what it counts: no version comes twice.
        self._versions: dict[Key, int] = {}

    def get(self, scope: str, key: str) -> Entry | None:
        _check_key(key)
        kept = self._live((scope, key))
        return None if kept is None else kept.entry(key)

    def set(self, scope: str, key: str, value: Any, ttl_ms: int | None) -> Entry:
        _check_key(key)
        text = to_json("value", value)
        if len(text.encode()) > VALUE_BYTES_MAX:
            message = f"a value may have at most {VALUE_BYTES_MAX} bytes as JSON"
            raise Limit("kv_value_bytes", message)
        expires_at = None if ttl_ms is None else self._now() + ttl_ms
        self._kept[scope, key] = kept = _Kept(text, self._next((scope, key)), expires_at)
        return kept.entry(key)

    def delete(self, scope: str, key: str) -> bool:
        _check_key(key)
        if self._live((scope, key)) is None:
            return False
        self._next((scope, key))
        del self._kept[scope, key]
        return True

    def swap(self, scope: str, key: str, expected: int | None, value: Any) -> bool:
        found = self.get(scope, key)
        if (None if found is None else found.version) != expected:
            return False
        self.set(scope, key, value, None)
        return True

    def list(self, scope: str, prefix: str, limit: int, cursor: str | None) -> Page:
        _check_key(prefix)
        if not 1 <= limit <= PAGE_ENTRIES_MAX:
            message = f"a page has 1 to {PAGE_ENTRIES_MAX} entries"
            raise InvalidInput("kv_page_entries", message)
        after = "" if cursor is None else _read_cursor(cursor)
        found = [
            kept.entry(key)
            for (own, key), kept in sorted(self._kept.items(), key=lambda item: item[0][1].encode())
            if own == scope and key.startswith(prefix) and self._live((own, key))
            if cursor is None or key.encode() > after.encode()
        ]
        page = found[:limit]
        more = _write_cursor(page[-1].key) if len(found) > limit else None
        return Page(page, more)

    def _live(self, key: Key) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None or (kept.expires_at is not None and kept.expires_at <= self._now()):
            return None
        return kept

    def _next(self, key: Key) -> int:
        self._versions[key] = version = self._versions.get(key, 0) + 1
        return version


def _check_key(key: str) -> None:
    if len(key.encode()) > KEY_BYTES_MAX:
        raise Limit("kv_key_bytes", f"a key may have at most {KEY_BYTES_MAX} bytes")


def _write_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except ValueError as error:
        message = "the cursor is none that a page of this listing gave"
        raise InvalidInput("kv_cursor", message) from error
