"""Every recorded effect in a fixed order, for the host's own tests of rerunning.

``effects-rust`` and ``effects-js`` do the same in the same order; change all three together.
"""

from workflowforge import agent


@agent(name="exactly-once")
def exactly_once(ctx, input):
    """Five rounds, two questions and a sleep."""
    seen = {"answers": [], "posts": [], "kv": [], "said": []}
    _round(ctx, input, seen, 1)
    _round(ctx, input, seen, 2)
    seen["said"].append(ctx.ask("first?"))
    _round(ctx, input, seen, 3)
    ctx.sleep(50)
    _round(ctx, input, seen, 4)
    seen["said"].append(ctx.ask("second?"))
    _round(ctx, input, seen, 5)
    return seen


def _round(ctx, input, seen, n):
    """Asks the model, posts its answer and writes it down."""
    before = seen["answers"][-1:]
    question = ": ".join([f"question {n}", *before])
    text = ctx.llm.prompt(input["model"], question)
    response = ctx.http.post(input["url"], json={"n": n, "text": text})
    seen["posts"].append({"status": response.status, "body": response.text})
    key = f"k{n}"
    seen["kv"].append({"key": key, "version": ctx.kv.set("run", key, text)})
    seen["answers"].append(text)
