"""The agent: joins the loop with the models, tools and people of the host."""

import react
from settings import Settings
from toolbox import Listed, Toolbox
from workflowforge import Cancelled, Denied, Failure, Question, agent, llm

APPROVAL = {
    "type": "object",
    "required": ["approve"],
    "properties": {"approve": {"type": "boolean"}, "note": {"type": "string"}},
    "additionalProperties": False,
}


@agent
def main(ctx, input):
    """Answers the question."""
    settings = Settings.of(ctx.config, input)
    # What is not wanted is not asked for: an agent without tools needs no grant of any.
    listed = ctx.tools.list() if settings.tools else []
    tools = [Listed(tool.name, tool.description, tool.input_schema) for tool in listed]
    toolbox = Toolbox.of(tools, settings, input.get("bound") or {})
    return react.run(input["question"], toolbox, Host(ctx, settings), settings)


class Host:
    """What the loop needs of the host, in its own words."""

    def __init__(self, ctx, settings):
        self._ctx = ctx
        self._settings = settings

    def think(self, messages, tools):
        """One answer of the model to the conversation so far."""
        request = llm.Request(
            model=self._settings.model,
            messages=[_to_message(message) for message in messages],
            tools=[llm.Tool(tool.name, tool.description, tool.parameters) for tool in tools],
            stream_to=self._settings.stream_to,
        )
        answer = self._ctx.llm.complete(request)
        calls = [react.Call(call.id, call.name, call.arguments) for call in answer.tool_calls]
        used = answer.usage.input_tokens + answer.usage.output_tokens
        return react.Thought(answer.text, calls, used, answer.model, answer.message)

    def ask(self, prompts):
        """What a person says to each: whether to go on, and why not."""
        questions = [Question(prompt, APPROVAL) for prompt in prompts]
        answers = [_raised(answer) for answer in self._ctx.ask_all(questions)]
        return [(answer["approve"], answer.get("note", "")) for answer in answers]

    def call(self, calls):
        """Calls the tools side by side: for each whether it answered, and what."""
        return [_answered(answer) for answer in self._ctx.tools.call_all(calls)]

    def tell(self, step):
        """Shows a step to whoever watches."""
        self._ctx.emit("step", step)


def _to_message(message):
    match message:
        case react.Said(role, text):
            return llm.Message(role, [text])
        case react.Thought():
            return message.raw
        case react.Results(results):
            parts = [llm.ToolResult(result.id, result.content, not result.ok) for result in results]
            return llm.Message("tool", parts)
    raise TypeError(f"no message: {message!r}")


def _answered(answer):
    """A failure of a tool is for the model to read; one of the grants or the run is not."""
    if isinstance(answer, Denied | Cancelled):
        raise answer
    if isinstance(answer, Failure):
        return False, {"error": str(answer)}
    return True, answer


def _raised(answer):
    if isinstance(answer, Failure):
        raise answer
    return answer
