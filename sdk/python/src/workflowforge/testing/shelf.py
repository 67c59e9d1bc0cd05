"""``blobs`` in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ..blobs import Blob
from ..failure import Denied, Limit

BLOB_BYTES_MAX = 8 << 20


class Shelf:
    """The blobs that the test prepared and the agent wrote."""

    def __init__(self) -> None:
        self._kept: dict[object, bytes] = {}

    def write(self, media_type: str, data: bytes) -> Blob:
        if len(data) > BLOB_BYTES_MAX:
            raise Limit("blob_bytes", f"a blob may have at most {BLOB_BYTES_MAX} bytes")
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._kept[digest] = data
        return {"$blob": digest, "size": len(data), "media_type": media_type}

    def read(self, blob: Mapping[str, object], offset: int, length: int) -> bytes:
        digest = blob.get("$blob")
        if digest not in self._kept:
            hint = (
                "no such blob is here: write host.blob(media_type, content) before the agent runs"
            )
            raise Denied("blobs", str(digest), hint)
        return self._kept[digest][offset : offset + length]
