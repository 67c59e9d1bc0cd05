"""Reason and act: the model thinks, tools are called, the model sees what they gave, and so on
until it answers or a budget is used up.

Source: S. Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", 2022.

The host is handed in: it thinks, asks, calls and tells. All of it is recorded there, so this runs
from its top again after a question to a person, and must ask for the same in the same order.
"""

import json
from dataclasses import dataclass, field
from typing import Any

RESULT_CHARACTERS_MAX = 8_000
"""How much of a tool's result the model sees."""
SHOWN_CHARACTERS_MAX = 300
"""How much of it the steps of the output show."""
LAST_WORDS = "This is the last turn. Call no tool; answer now with what you know."


@dataclass(frozen=True)
class Call:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True)
class Said:
    """Words of the user or the system."""

    role: str
    text: str


@dataclass(frozen=True)
class Thought:
    """What the model answered: words, calls or both. ``raw`` is the message as the host has it."""

    text: str
    calls: list[Call] = field(default_factory=list)
    tokens: int = 0
    model: str = ""
    raw: Any = None


@dataclass(frozen=True)
class Result:
    """What came of a call."""

    id: str
    ok: bool
    content: Any


@dataclass(frozen=True)
class Results:
    """What came of the calls of one turn, in their order."""

    results: list[Result]


@dataclass
class Used:
    """What was used so far."""

    turns: int = 0
    calls: int = 0
    tokens: int = 0


def run(question, toolbox, host, settings):
    """The answer, how it came about and what it cost."""
    talk = [Said("system", settings.system), Said("user", question)]
    used, steps = Used(), []
    while True:
        is_last = used.turns + 1 >= settings.turns_max or used.tokens >= settings.tokens_max
        if is_last and used.turns > 0:
            talk.append(Said("user", LAST_WORDS))
        # With calls in the conversation servers want to see the tools to the end.
        tools = [] if is_last and used.turns == 0 else toolbox.offered
        thought = host.think(talk, tools)
        used.turns += 1
        used.tokens += thought.tokens
        if is_last or not thought.calls:
            finish = "answered" if not thought.calls else "budget"
            return _output(thought, finish, steps, used)
        acted = _act(thought.calls, toolbox, host, settings, used)
        for call, how, result in acted:
            steps.append(_step(used.turns, call, how, result))
            host.tell(steps[-1])
        talk += [thought, Results([result for _, _, result in acted])]


def _act(calls, toolbox, host, settings, used):
    """What came of each call: calls that may be made are made side by side.

    Outcomes are kept by place, as a model may give two calls the same id.
    """
    outcomes, able = {}, []
    for place, call in enumerate(calls):
        why = _why_not(call, toolbox, settings, used)
        if why is not None:
            outcomes[place] = ("not called", _error(call, why))
        else:
            used.calls += 1
            able.append((place, call))
    outcomes |= _refused([pair for pair in able if toolbox.is_dangerous(pair[1].name)], host)
    made = [(place, call) for place, call in able if place not in outcomes]
    outcomes |= _made(made, toolbox, host)
    return [(call, *outcomes[place]) for place, call in enumerate(calls)]


def _why_not(call, toolbox, settings, used):
    if not toolbox.has(call.name):
        return f"there is no tool {call.name}"
    if used.calls >= settings.calls_max:
        return "no more calls are allowed"
    return None


def _refused(dangerous, host):
    """Those of the dangerous calls that a person refuses; all are asked about at once."""
    if not dangerous:
        return {}
    answers = host.ask([_prompt(call) for _, call in dangerous])
    refused = {}
    for (place, call), (approve, note) in zip(dangerous, answers, strict=True):
        if not approve:
            why = f"a person refused this call{': ' + note if note else ''}"
            refused[place] = ("refused", _error(call, why))
    return refused


def _made(made, toolbox, host):
    if not made:
        return {}
    inputs = [(call.name, toolbox.filled(call.name, call.arguments)) for _, call in made]
    outcomes = {}
    for (place, call), (ok, content) in zip(made, host.call(inputs), strict=True):
        outcomes[place] = ("answered" if ok else "failed", Result(call.id, ok, _cut(content)))
    return outcomes


def _prompt(call):
    arguments = _text(call.arguments)
    return f"The model wants to call {call.name} with {_short(arguments)}. Approve?"


def _error(call, why):
    return Result(call.id, False, {"error": why})


def _cut(content):
    """The content, or the beginning of its text where it is too long for a model."""
    text = _text(content)
    if len(text) <= RESULT_CHARACTERS_MAX:
        return content
    return {"beginning": text[:RESULT_CHARACTERS_MAX], "characters": len(text)}


def _step(turn, call, how, result):
    return {
        "turn": turn,
        "tool": call.name,
        "arguments": call.arguments,
        "outcome": how,
        "result": _short(_text(result.content)),
    }


def _output(thought, finish, steps, used):
    return {
        "answer": thought.text,
        "finish": finish,
        "steps": steps,
        "used": {"turns": used.turns, "calls": used.calls, "tokens": used.tokens},
        "model": thought.model,
    }


def _text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text):
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…"
