"""A model that plays a script in, steps and an answer out."""

import unittest

from react import LAST_WORDS, Call, Results, Said, Thought, run
from settings import Settings
from toolbox import Listed, Toolbox

LOOK = Listed("look", "Looks.", {"properties": {"at": {"type": "string"}}})
BURN = Listed("burn", "Burns.")


class Host:
    """Plays the model's script, answers tools, and lets a person say what was prepared."""

    def __init__(self, thoughts, tools=None, people=()):
        self.thoughts = list(thoughts)
        self.tools = tools or (lambda name, input: (True, {"saw": input}))
        self.people = list(people)
        self.talks, self.offers, self.done, self.told = [], [], [], []

    def think(self, messages, tools):
        self.talks.append(list(messages))
        self.offers.append([tool.name for tool in tools])
        return self.thoughts.pop(0)

    def ask(self, prompts):
        self.done.append(("ask", prompts))
        return [self.people.pop(0) for _ in prompts]

    def call(self, calls):
        self.done.append(("call", calls))
        return [self.tools(name, input) for name, input in calls]

    def tell(self, step):
        self.told.append(step)


def wants(*calls, tokens=10):
    return Thought("", [Call(f"c{at}", *call) for at, call in enumerate(calls)], tokens, "m")


def says(text, tokens=10):
    return Thought(text, [], tokens, "m")


def ran(host, bound=None, **config):
    settings = Settings.of({"tools": ["*"], **config})
    toolbox = Toolbox.of([LOOK, BURN], settings, bound or {})
    return run("Why?", toolbox, host, settings)


def outcomes(output):
    return [(step["turn"], step["tool"], step["outcome"]) for step in output["steps"]]


class Loop(unittest.TestCase):
    def test_a_model_that_knows_answers_at_once(self):
        host = Host([says("Because.")])
        self.assertEqual(
            ran(host),
            {
                "answer": "Because.",
                "finish": "answered",
                "steps": [],
                "used": {"turns": 1, "calls": 0, "tokens": 10},
                "model": "m",
            },
        )
        self.assertEqual([said.role for said in host.talks[0]], ["system", "user"])
        self.assertEqual(host.done, [])

    def test_what_a_tool_gives_goes_back_to_the_model(self):
        host = Host([wants(("look", {"at": "x"})), says("I saw x.")])
        output = ran(host)
        self.assertEqual(output["answer"], "I saw x.")
        self.assertEqual(
            output["steps"],
            [
                {
                    "turn": 1,
                    "tool": "look",
                    "arguments": {"at": "x"},
                    "outcome": "answered",
                    "result": '{"saw": {"at": "x"}}',
                }
            ],
        )
        self.assertEqual(host.told, output["steps"])
        thought, results = host.talks[1][-2:]
        self.assertEqual(thought.calls[0].name, "look")
        self.assertEqual(results.results[0].content, {"saw": {"at": "x"}})
        self.assertEqual(output["used"], {"turns": 2, "calls": 1, "tokens": 20})

    def test_calls_of_one_turn_are_made_side_by_side(self):
        host = Host([wants(("look", {"at": "a"}), ("look", {"at": "b"})), says("Both.")])
        ran(host)
        self.assertEqual(host.done, [("call", [("look", {"at": "a"}), ("look", {"at": "b"})])])

    def test_two_calls_of_the_same_id_stay_apart(self):
        both = [Call("c", "look", {"at": "a"}), Call("c", "lost", {})]
        host = Host([Thought("", both, 1, "m"), says("Hm.")])
        expected = [(1, "look", "answered"), (1, "lost", "not called")]
        self.assertEqual(outcomes(ran(host)), expected)

    def test_a_failure_is_for_the_model_to_read(self):
        host = Host(
            [wants(("look", {}), ("lost", {})), says("Neither works.")],
            tools=lambda name, input: (False, {"error": "busy"}),
        )
        output = ran(host)
        self.assertEqual(outcomes(output), [(1, "look", "failed"), (1, "lost", "not called")])
        failed, unknown = host.talks[1][-1].results
        self.assertEqual((failed.ok, failed.content), (False, {"error": "busy"}))
        self.assertEqual(unknown.content, {"error": "there is no tool lost"})

    def test_a_long_result_is_cut_and_says_so(self):
        host = Host(
            [wants(("look", {})), says("Long.")], tools=lambda name, input: (True, "x" * 20_000)
        )
        output = ran(host)
        content = host.talks[1][-1].results[0].content
        self.assertEqual((len(content["beginning"]), content["characters"]), (8_000, 20_000))
        self.assertEqual(len(output["steps"][0]["result"]), 301)


class Approval(unittest.TestCase):
    CALLS = (("look", {}), ("burn", {"it": "all"}), ("burn", {}))

    def test_a_person_is_asked_before_what_is_dangerous_and_about_all_of_it_at_once(self):
        host = Host([wants(*self.CALLS), says("Done.")], people=[(True, ""), (False, "not that")])
        output = ran(host, dangerous=["bu*"])
        self.assertEqual(
            host.done,
            [
                (
                    "ask",
                    [
                        'The model wants to call burn with {"it": "all"}. Approve?',
                        "The model wants to call burn with {}. Approve?",
                    ],
                ),
                ("call", [("look", {}), ("burn", {"it": "all"})]),
            ],
        )
        self.assertEqual(
            [outcome for _, _, outcome in outcomes(output)], ["answered", "answered", "refused"]
        )
        refused = host.talks[1][-1].results[2]
        self.assertEqual(refused.content, {"error": "a person refused this call: not that"})

    def test_where_all_is_refused_nothing_is_called(self):
        host = Host([wants(("burn", {})), says("Fine.")], people=[(False, "")])
        ran(host, dangerous=["burn"])
        self.assertEqual([what for what, _ in host.done], ["ask"])

    def test_a_tool_that_is_not_there_needs_no_approval(self):
        host = Host([wants(("burnt", {})), says("Fine.")])
        ran(host, dangerous=["*"])
        self.assertEqual(host.done, [])


class Budgets(unittest.TestCase):
    def test_the_last_turn_is_told_and_its_calls_are_not_made(self):
        host = Host([wants(("look", {})) for _ in range(9)])
        output = ran(host, turns_max=3)
        self.assertEqual((output["finish"], output["answer"]), ("budget", ""))
        self.assertEqual(output["used"], {"turns": 3, "calls": 2, "tokens": 30})
        self.assertEqual(host.talks[2][-1], Said("user", LAST_WORDS))
        self.assertEqual(host.offers, [["burn", "look"]] * 3)

    def test_a_model_that_answers_in_the_last_turn_has_answered(self):
        host = Host([wants(("look", {})), says("Then so.")])
        self.assertEqual(ran(host, turns_max=2)["finish"], "answered")

    def test_one_turn_has_no_tools(self):
        host = Host([says("So.")])
        ran(host, turns_max=1)
        self.assertEqual(host.offers, [[]])
        self.assertEqual(len(host.talks[0]), 2)

    def test_tokens_end_it_after_the_turn_that_used_them_up(self):
        host = Host([wants(("look", {}), tokens=60), wants(("look", {}), tokens=60), says("x")])
        output = ran(host, tokens_max=100)
        self.assertEqual(output["used"], {"turns": 3, "calls": 2, "tokens": 130})
        self.assertEqual(host.talks[2][-1], Said("user", LAST_WORDS))

    def test_calls_beyond_their_number_are_not_made(self):
        host = Host([wants(("look", {}), ("look", {})), says("x")])
        output = ran(host, calls_max=1)
        expected = [(1, "look", "answered"), (1, "look", "not called")]
        self.assertEqual(outcomes(output), expected)
        self.assertIsInstance(host.talks[1][-1], Results)


if __name__ == "__main__":
    unittest.main()
