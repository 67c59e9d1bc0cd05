import unittest

from agent import main
from workflowforge import Upstream
from workflowforge.testing import MockHost

URL = "https://example.com/"


def fetched(response):
    return MockHost().http(URL, response).run(main, {"url": URL}).output


class Title(unittest.TestCase):
    def test_it_finds_the_title_of_a_page(self):
        page = "<html><title> Example\n Domain </title></html>"
        self.assertEqual(fetched({"body": page}), {"title": "Example Domain"})
        self.assertEqual(fetched({"body": "no page"}), {"title": ""})

    def test_a_page_that_is_not_there_is_the_servers_failure(self):
        with self.assertRaises(Upstream) as raised:
            fetched({"status": 404})
        self.assertEqual(raised.exception.code, "http_404")
