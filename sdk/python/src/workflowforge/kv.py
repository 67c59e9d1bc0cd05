"""Memory that outlives the call. Need: ``kv:<scope>``, or ``kv:<scope>:ro`` to read alone.

A scope is ``run``, ``thread`` or ``plugin``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .values import one_of, string, unsigned

if TYPE_CHECKING:
    from .host import Host

SCOPES = ("run", "thread", "plugin")
PAGE_ENTRIES = 100


@dataclass
class Entry:
    """A value and the version with which it can be swapped."""

    key: str
    value: Any
    version: int


@dataclass
class Page:
    """Entries in the order of their keys, and what the next call goes on from."""

    entries: list[Entry]
    cursor: str | None = None


class Kv:
    """``ctx.kv``."""

    def __init__(self, host: Host):
        self._host = host

    def get(self, scope: str, key: str, default: Any = None) -> Any:
        """The value, or the default where the key is not there."""
        entry = self.entry(scope, key)
        return default if entry is None else entry.value

    def entry(self, scope: str, key: str) -> Entry | None:
        """The value with its version, or none where the key is not there."""
        return self._host.kv_get(*_checked(scope, key))

    def set(self, scope: str, key: str, value: Any, *, ttl_ms: int | None = None) -> int:
        """Writes a key, for ``ttl_ms`` milliseconds if that is given; its new version."""
        if ttl_ms is not None:
            unsigned("ttl_ms", ttl_ms)
        return self._host.kv_set(*_checked(scope, key), value, ttl_ms).version

    def delete(self, scope: str, key: str) -> bool:
        """Deletes a key; whether it was there."""
        return self._host.kv_delete(*_checked(scope, key))

    def list(
        self,
        scope: str,
        prefix: str = "",
        *,
        limit: int = PAGE_ENTRIES,
        cursor: str | None = None,
    ) -> Page:
        """The keys that begin with ``prefix``."""
        limit = unsigned("limit", limit, bits=32)
        return self._host.kv_list(*_checked(scope, prefix), limit, cursor)

    def swap(self, scope: str, key: str, expected: int | None, value: Any) -> bool:
        """Writes a key if it is at that version (none: is absent); whether it was."""
        if expected is not None:
            unsigned("expected", expected)
        return self._host.kv_swap(*_checked(scope, key), expected, value)


def _checked(scope: str, key: str) -> tuple[str, str]:
    return one_of("the scope", scope, SCOPES), string("the key", key)
