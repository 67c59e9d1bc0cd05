"""Between the SDK's values and those of the generated bindings. Needs the bindings."""

from collections.abc import Callable, Mapping
from typing import Any

from componentize_py_types import Err, Ok
from wit_world.exports import agent as wit
from wit_world.imports import types

from .blobs import Blob
from .failure import PROBLEMS, Denied, Failed, Failure, Problem
from .llm import Message, Other, Response, ToolCall, ToolResult, Usage
from .reply import Exit, Reply
from .values import from_json, string, to_json, unsigned

CASES: dict[str, Any] = {
    "invalid-input": types.Failure_InvalidInput,
    "limit": types.Failure_Limit,
    "upstream": types.Failure_Upstream,
    "cancelled": types.Failure_Cancelled,
    "failed": types.Failure_Failed,
}
TAGS = {case: tag for tag, case in CASES.items()}


def failure_to_wit(failure: Failure) -> types.Failure:
    if isinstance(failure, Denied):
        told = (failure.capability, failure.resource, failure.hint)
        return types.Failure_Denied(types.Denial(*map(_clean, told)))
    if not isinstance(failure, Problem):
        return failure_to_wit(Failed("failed", str(failure)))
    try:
        details = to_json("failure's details", failure.details)
    except Failed as unwritable:
        return failure_to_wit(unwritable)
    code, message = _clean(failure.code), _clean(failure.message)
    problem = types.Problem(code, message, failure.retryable, failure.retry_after_ms, details)
    case: types.Failure = CASES[failure.tag](problem)
    return case


def _clean(text: str) -> str:
    """The text without lone surrogates, which no string of the contract can hold."""
    return text.encode(errors="backslashreplace").decode()


def failure_from_wit(failure: types.Failure) -> Failure:
    if isinstance(failure, types.Failure_Denied):
        denial = failure.value
        return Denied(denial.capability, denial.resource, denial.hint)
    told = failure.value
    return PROBLEMS[TAGS[type(failure)]](
        told.code,
        told.message,
        retryable=told.retryable,
        retry_after_ms=told.retry_after_ms,
        details=from_json("failure's details", told.details),
    )


def answers_from_wit(answers: list[Ok[Any] | Err[Any]], read: Callable[[Any], Any]) -> list[Any]:
    return [
        read(answer.value) if isinstance(answer, Ok) else failure_from_wit(answer.value)
        for answer in answers
    ]


def reply_to_wit(reply: Reply[Any]) -> wit.Reply:
    goto = [_exit_to_wit(exit) for exit in reply.exits]
    return wit.Reply(to_json("output", reply.output), goto, "{}")


def _exit_to_wit(exit: Exit) -> wit.Exit:
    if exit.has_sent:
        sent = wit.SentExit(string("an exit", exit.name), to_json("exit's input", exit.sent))
        return wit.Exit_Send(sent)
    return wit.Exit_Name(string("an exit", exit.name))


def blob_to_wit(blob: Mapping[str, object]) -> types.BlobRef:
    return types.BlobRef(
        string("a blob's $blob", blob.get("$blob")),
        unsigned("a blob's size", blob.get("size")),
        string("a blob's media_type", blob.get("media_type")),
        to_json("blob's extra", blob.get("extra", {})),
    )


def blob_from_wit(blob: types.BlobRef) -> Blob:
    reference: Blob = {"$blob": blob.digest, "size": blob.size, "media_type": blob.media_type}
    extra = from_json("blob's extra", blob.extra)
    return {**reference, "extra": extra} if extra else reference


def message_to_wit(llm: Any, message: Message) -> Any:
    parts = [_part_to_wit(llm, part) for part in message.parts]
    return llm.Message(string("a message's role", message.role), parts)


def _part_to_wit(llm: Any, part: Any) -> Any:
    match part:
        case str():
            return llm.Part_Text(part)
        case dict():
            return llm.Part_Blob(blob_to_wit(part))
        case ToolCall():
            id, name = string("a call's id", part.id), string("a tool's name", part.name)
            arguments = to_json("tool's arguments", part.arguments)
            return llm.Part_ToolCall(llm.ToolCall(id, name, arguments))
        case ToolResult():
            id, content = string("a call's id", part.id), to_json("tool's result", part.content)
            return llm.Part_ToolResult(llm.ToolResult(id, content, bool(part.is_error)))
        case Other():
            return llm.Part_Other(to_json("part", part.value))
    raise TypeError(f"{type(part).__name__} is no part of a message")


def response_from_wit(llm: Any, response: Any) -> Response:
    usage = response.usage
    return Response(
        Message(response.message.role, [_part_from_wit(llm, p) for p in response.message.parts]),
        response.finish,
        Usage(usage.input_tokens, usage.output_tokens, from_json("usage", usage.extra)),
        response.model,
        from_json("response's extra", response.extra),
    )


def _part_from_wit(llm: Any, part: Any) -> Any:
    told = part.value
    if isinstance(part, llm.Part_Text):
        return told
    if isinstance(part, llm.Part_Blob):
        return blob_from_wit(told)
    if isinstance(part, llm.Part_ToolCall):
        return ToolCall(told.id, told.name, from_json("tool's arguments", told.arguments))
    if isinstance(part, llm.Part_ToolResult):
        return ToolResult(told.id, from_json("tool's result", told.content), told.is_error)
    return Other(from_json("part", told))
