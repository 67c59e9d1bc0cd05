"""The order of the effects, which the plugins in the other languages share."""

import unittest

from agent import exactly_once
from workflowforge import Denied
from workflowforge.testing import MockHost

INPUT = {"model": "m", "url": "http://server.example/post"}
FIVE = range(1, 6)


def scripted():
    host = MockHost().ask("yes", {"no": 1})
    for n in FIVE:
        host.llm(f"a{n}").http(INPUT["url"], {"status": 201, "body": f"b{n}"})
    return host


class ExactlyOnce(unittest.TestCase):
    maxDiff = None

    def test_effects_come_in_their_order_and_each_question_holds_the_answer_before(self):
        host = scripted()
        host.run(exactly_once, INPUT)
        self.assertEqual(
            host.done(),
            [
                "llm m question 1",
                'http POST http://server.example/post {"n":1,"text":"a1"}',
                'kv set run k1 "a1"',
                "llm m question 2: a1",
                'http POST http://server.example/post {"n":2,"text":"a2"}',
                'kv set run k2 "a2"',
                "ask first?",
                "llm m question 3: a2",
                'http POST http://server.example/post {"n":3,"text":"a3"}',
                'kv set run k3 "a3"',
                "sleep 50",
                "llm m question 4: a3",
                'http POST http://server.example/post {"n":4,"text":"a4"}',
                'kv set run k4 "a4"',
                "ask second?",
                "llm m question 5: a4",
                'http POST http://server.example/post {"n":5,"text":"a5"}',
                'kv set run k5 "a5"',
            ],
        )

    def test_everything_that_was_seen_is_the_output(self):
        self.assertEqual(
            scripted().run(exactly_once, INPUT).output,
            {
                "answers": [f"a{n}" for n in FIVE],
                "posts": [{"status": 201, "body": f"b{n}"} for n in FIVE],
                "kv": [{"key": f"k{n}", "version": 1} for n in FIVE],
                "said": ["yes", {"no": 1}],
            },
        )

    def test_a_denial_ends_the_agent_where_it_comes(self):
        host = scripted().deny("http")
        with self.assertRaises(Denied) as denied:
            host.run(exactly_once, INPUT)
        self.assertEqual(denied.exception.capability, "http")
        self.assertEqual(len(host.done()), 2)
