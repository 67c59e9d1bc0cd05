"""What annotations say about JSON: read once into a shape, which then has a JSON Schema, reads JSON
into the author's values and writes them back.

Nothing but the standard library is used: whatever an SDK imports lies in each component, and the
libraries that do more have native parts, which no component can load. Begin with ``annotations``.
"""

from .annotations import shape_of
from .bounds import Bounds
from .records import Record
from .shape import Misfit, Schema, Shape, nullable, schema_of

__all__ = ["Bounds", "Misfit", "Record", "Schema", "Shape", "nullable", "schema_of", "shape_of"]
