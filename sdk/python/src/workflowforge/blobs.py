"""Files and large values by reference. No need; ``build.uses`` has ``"blobs"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from .values import string, unsigned

if TYPE_CHECKING:
    from .host import Host

Blob = TypedDict(
    "Blob",
    {"$blob": str, "size": int, "media_type": str, "extra": NotRequired[dict[str, Any]]},
)
"""A reference, as JSON has it in inputs and outputs."""


class Blobs:
    """``ctx.blobs``."""

    def __init__(self, host: Host):
        self._host = host

    def write(self, media_type: str, content: bytes | str) -> Blob:
        """Writes a text or bytes, at most 8 MiB; the reference."""
        data = content.encode() if isinstance(content, str) else bytes(content)
        return self._host.blob_write(string("the media type", media_type), data)

    def read(self, blob: Mapping[str, object], offset: int = 0, length: int | None = None) -> bytes:
        """Reads at most ``length`` bytes from ``offset``, all of the rest where it is not said."""
        offset = unsigned("offset", offset)
        if length is None:
            length = max(0, unsigned("a blob's size", blob.get("size")) - offset)
        return self._host.blob_read(blob, offset, unsigned("length", length, bits=32))
