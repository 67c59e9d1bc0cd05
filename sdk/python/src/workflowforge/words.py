"""What authors write about their code, for people who see it elsewhere."""

import inspect


def first_paragraph(doc: str | None) -> str | None:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(doc).split("\n\n")[0].split()) if doc else None
