import unittest

from agent import main
from workflowforge.testing import MockHost


def counted(text):
    return MockHost().run(main, {"text": text, "most": 1}).output


class Tool(unittest.TestCase):
    def test_it_names_the_most_frequent_word(self):
        top = [{"word": "be", "count": 2}]
        self.assertEqual(counted("To be, or not to be"), {"words": 6, "top": top})

    def test_a_text_without_words_has_none(self):
        self.assertEqual(counted("…"), {"words": 0, "top": []})
