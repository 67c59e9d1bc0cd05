"""Native tests of agents: a host that answers what the test scripts, and denies the rest.

    from workflowforge.testing import MockHost

    def test_it_says_what_the_model_says(self):
        host = MockHost().config({"model": "fast"}).llm("hello")
        self.assertEqual(host.run(main, {"text": "hi"}).output, {"said": "hello"})

Never imported by a component. What needs the real sandbox (limits, grants, reruns) is tested by
``wforge test``.
"""

from .mock_host import MockHost

__all__ = ["MockHost"]
