"""The tools that the model may use: some of those that the host lists, as the node wants them.

Arguments that are bound are taken out of what the model sees and put into what the tool gets.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Listed:
    """A tool as the host lists it."""

    name: str
    description: str = ""
    input_schema: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Offered:
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: dict


class Toolbox:
    """The tools in the order in which the configuration names them."""

    def __init__(self, offered, bound, dangerous):
        self.offered = offered
        self._bound = bound
        self._dangerous = dangerous
        self._names = {tool.name for tool in offered}

    @classmethod
    def of(cls, listed, settings, bound):
        """The listed tools that the settings want; what is bound is hidden from the model."""
        by_tool = {tool.name: _bound_to(tool.name, bound) for tool in listed}
        wanted = sorted(
            (place, tool.name)
            for tool in listed
            if (place := _place(tool.name, settings.tools)) is not None
        )
        by_name = {tool.name: tool for tool in listed}
        offered = [_offer(by_name[name], by_tool[name]) for _, name in wanted]
        return cls(offered, by_tool, settings.dangerous)

    def has(self, name):
        """Whether the model may call it."""
        return name in self._names

    def is_dangerous(self, name):
        """Whether a person has to be asked before it is called."""
        return _place(name, self._dangerous) is not None

    def filled(self, name, arguments):
        """The tool's input: the model's arguments, and over them those that are bound."""
        given = arguments if isinstance(arguments, dict) else {}
        return {**given, **self._bound.get(name, {})}


def _place(name, patterns):
    """The place of the first pattern that fits; none where none does."""
    return next((at for at, pattern in enumerate(patterns) if fnmatchcase(name, pattern)), None)


def _bound_to(name, bound):
    merged = {}
    for pattern, arguments in bound.items():
        if fnmatchcase(name, pattern):
            merged.update(arguments)
    return merged


def _offer(tool, bound):
    schema = {"type": "object", "properties": {}, **(tool.input_schema or {})}
    properties = schema.get("properties") or {}
    schema["properties"] = {key: value for key, value in properties.items() if key not in bound}
    if "required" in schema:
        schema["required"] = [key for key in schema["required"] if key not in bound]
    return Offered(tool.name, tool.description, schema)
