"""Secrets of the operator. Need: ``secret:<name>:hold``, or ``secret:<name>:reveal``."""

from abc import ABC, abstractmethod


class Secret(ABC):
    """A secret that the plugin may use but not see."""

    @abstractmethod
    def reveal(self) -> str:
        """Its text. Needs ``secret:<name>:reveal``."""
