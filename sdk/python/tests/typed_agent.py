"""An agent with types everywhere, for the type checker: what it is told of the SDK is right.

Nothing here is called; ``sdk/toolchain.sh lint`` checks it with the SDK.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict, assert_type

from workflowforge import (
    Blob,
    Bounds,
    Ctx,
    Denied,
    Failure,
    Question,
    Reply,
    Secret,
    Upstream,
    agent,
    define_agent,
    http,
    llm,
)
from workflowforge.kv import Entry, Page
from workflowforge.testing import MockHost


class Tone(Enum):
    SHORT = "short"
    LONG = "long"


class Hint(TypedDict):
    key: str


@dataclass
class Asked:
    text: Annotated[str, "what is asked", Bounds(min_length=1)]
    tone: Tone = Tone.SHORT
    kind: Literal["plain", "odd"] = "plain"
    hints: tuple[Hint, ...] = ()
    file: Blob | None = None


@dataclass
class Answer:
    text: str


@dataclass(frozen=True)
class Settings:
    model: str = "fast"


@agent
def main(ctx: Ctx[Settings], input: Asked) -> Answer:
    """Answers."""
    assert_type(ctx.config, Settings)
    assert_type(ctx.llm.prompt(ctx.config.model, input.text), str)
    return Answer(input.tone.value)


@agent(name="third", description="Takes its configuration.", output=Answer)
def third(ctx: Ctx, input: dict[str, Any], config: Settings) -> Answer | Reply[Answer]:
    assert_type(ctx.config, Any)
    return Reply(Answer(config.model)).goto("again").send("other", [1])


@agent(name="effects")
def effects(ctx: Ctx, input: str) -> None:
    secret = ctx.secret("token")
    assert_type(secret, Secret)
    got = ctx.http.get(input, params={"q": "x", "n": 1}, headers={"accept": "*/*"}, bearer=secret)
    assert_type(got.raise_for_status(), http.Response)
    assert_type((got.text, got.status), tuple[str, int])
    for answer in ctx.http.fetch_all([http.Request("GET", input)]):
        assert_type(answer, http.Response | Failure)
    assert_type(ctx.kv.entry("run", "k"), Entry | None)
    assert_type(ctx.kv.list("run"), Page)
    assert_type(ctx.kv.swap("run", "k", None, 1), bool)
    answered = ctx.llm.complete(llm.Request("fast", [llm.Message("user", "hi")]))
    assert_type(answered.tool_calls, list[llm.ToolCall])
    assert_type(ctx.blobs.write("text/plain", "hi"), Blob)
    assert_type(ctx.blobs.read({"$blob": "sha256:00", "size": 1}), bytes)
    try:
        ctx.ask(Question("Go on?"))
    except Denied as denied:
        assert_type(denied.hint, str)
    ctx.tools.call_all([(tool.name, {}) for tool in ctx.tools.list()])


# The function stays what it is.
run: Callable[[Ctx[Settings], Asked], Answer] = main
again: Callable[[Ctx[Settings], Asked], Answer] = define_agent(main, "again")
assert_type(run(MockHost().ctx(), Asked("hi")), Answer)


def tests() -> None:
    host = MockHost().config({}).llm("a", Upstream("busy", "later")).http("u", {"status": 204})
    host.tool("t", 1, description="Does.").ask(True).kv("run", "k", [1]).secret("s", "v").deny("kv")
    assert_type(host.clock_ms(7), MockHost)
    assert_type(host.run(main, {"text": "hi"}), Reply[Any])
    assert_type(host.done(), list[str])
    assert_type(host.events(), list[tuple[str, Any]])
