"""Files and large values by reference. No need; ``build.uses`` has ``"blobs"``.

A reference is what JSON has in inputs and outputs: ``{"$blob": …, "size": …, "media_type": …}``.
"""

from typing import Any

from .values import string, unsigned


class Blobs:
    """``ctx.blobs``."""

    def __init__(self, host: Any):
        self._host = host

    def write(self, media_type: str, content: bytes | str) -> dict[str, Any]:
        """Writes a text or bytes, at most 8 MiB; the reference."""
        data = content.encode() if isinstance(content, str) else bytes(content)
        return self._host.blob_write(string("the media type", media_type), data)

    def read(self, blob: dict[str, Any], offset: int = 0, length: int | None = None) -> bytes:
        """Reads at most ``length`` bytes from ``offset``, all of the rest where it is not said."""
        if length is None:
            length = max(0, blob["size"] - offset)
        return self._host.blob_read(
            blob, unsigned("offset", offset), unsigned("length", length, bits=32)
        )
