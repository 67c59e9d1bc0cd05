"""An exception that nobody caught, as the failure that the host hears."""

import os
import traceback
from collections.abc import Callable
from typing import Any

from .failure import Failed

FRAMES_MAX = 50
"""How many frames are told; endless recursion has a thousand."""


def told(error: BaseException, run: Callable[..., Any]) -> Failed:
    """``failed`` with the code ``exception``, and file and line of the agent's own code."""
    own = _folder_of(run)
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    in_own = [frame for frame in frames if frame[0].startswith(os.path.join(own, ""))]
    file, line, _ = (in_own or frames)[-1]
    place = os.path.relpath(file, own) if in_own else file
    stack = "\n".join(f"{file}:{line} in {name}" for file, line, name in frames[-FRAMES_MAX:])
    said = "".join(traceback.format_exception_only(error)).strip()
    return Failed(
        "exception",
        f"{said} ({place}:{line})",
        details={"stack": stack, "file": place, "line": line},
    )


def _folder_of(run: Callable[..., Any]) -> str:
    code = getattr(run, "__code__", None)
    return os.path.dirname(code.co_filename) if code else os.sep
