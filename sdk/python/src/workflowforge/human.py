"""Questions to people. Need: ``ask``."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Question:
    """A question to a person; any JSON will do as the answer where no schema is given."""

    prompt: str
    schema: dict[str, Any] | None = None
    deadline_ms: int | None = None
    assignee: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
