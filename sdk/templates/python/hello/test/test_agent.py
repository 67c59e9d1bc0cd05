import unittest

from agent import main
from workflowforge import InvalidInput
from workflowforge.testing import MockHost


class Hello(unittest.TestCase):
    def test_it_greets_by_name(self):
        host = MockHost()
        self.assertEqual(host.run(main, {"name": "Ada"}).output, {"greeting": "Hello, Ada!"})
        self.assertEqual(host.done(), [])

    def test_it_refuses_a_name_that_is_empty(self):
        with self.assertRaises(InvalidInput) as raised:
            MockHost().run(main, {"name": ""})
        self.assertEqual(raised.exception.code, "no_name")
