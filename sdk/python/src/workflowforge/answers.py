"""What is asked at once comes back in the order of the requests: each an answer, or the failure
that stands in its place.
"""

from typing import TypeAlias, TypeVar

from .failure import Failed, Failure

T = TypeVar("T")
Answer: TypeAlias = T | Failure


def only(answers: list[Answer[T]]) -> T:
    """The answer to the only request of a list; raised where it is a failure."""
    if len(answers) != 1:
        raise Failed("no_answer", f"the host gave {len(answers)} answers to one request")
    [answer] = answers
    if isinstance(answer, Failure):
        raise answer
    return answer
