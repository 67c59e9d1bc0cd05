"""What an agent answers: its output, and the exits that it takes beside the node's edges."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Self

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")


@dataclass(frozen=True)
class Exit:
    """A way out of the node, one of those that ``plugin.toml`` lists."""

    name: str
    sent: Any = None
    has_sent: bool = False


@dataclass
class Reply(Generic[T]):
    """An output with exits. An agent that takes none returns its output alone."""

    output: T
    exits: list[Exit] = field(default_factory=list)

    def goto(self, name: str) -> Self:
        """Also takes the exit."""
        self.exits.append(Exit(name))
        return self

    def send(self, name: str, input: Any) -> Self:
        """Also takes the exit and hands an input to the task that it starts."""
        self.exits.append(Exit(name, input, has_sent=True))
        return self
