import unittest

from agent import main
from workflowforge.testing import MockHost


def reviewed(answer):
    return MockHost().ask(answer).run(main, {"text": "All is well."})


class Review(unittest.TestCase):
    def test_it_publishes_when_a_person_agrees(self):
        reply = reviewed({"publish": True})
        self.assertEqual(reply.output, {"published": True, "note": ""})
        self.assertEqual(reply.exits, [])

    def test_it_goes_another_way_when_a_person_refuses(self):
        reply = reviewed({"publish": False, "note": "too short"})
        self.assertEqual(reply.output["note"], "too short")
        self.assertEqual([exit.name for exit in reply.exits], ["rejected"])
