"""The small client: what is sent, and what is made of the answer."""

import unittest

from workflowforge import Failed, Upstream
from workflowforge.http import Credential, Response
from workflowforge.testing import MockHost

URL = "https://a.example/v1"


class Sends(unittest.TestCase):
    def sent(self, send, url=URL):
        host = MockHost().http(url, {}).secret("token", "s3cret")
        send(host.ctx())
        [request] = host.http_requests()
        return request

    def test_each_method_has_its_word(self):
        for method in ("get", "head", "post", "put", "patch", "delete"):
            request = self.sent(lambda ctx, method=method: getattr(ctx.http, method)(URL))
            self.assertEqual((request.method, request.body), (method.upper(), None))

    def test_json_is_a_body_with_its_header(self):
        request = self.sent(lambda ctx: ctx.http.post(URL, json={"n": 1}, headers={"x-a": "b"}))
        self.assertEqual(request.body, b'{"n":1}')
        self.assertEqual(request.headers, [("content-type", "application/json"), ("x-a", "b")])

    def test_parameters_go_behind_the_question_mark(self):
        params = {"q": "a b", "n": ["1", "2"]}
        for url, sent in [
            (URL, f"{URL}?q=a+b&n=1&n=2"),
            (f"{URL}?x=1#part", f"{URL}?x=1&q=a+b&n=1&n=2#part"),
        ]:
            request = self.sent(lambda ctx, url=url: ctx.http.get(url, params=params), sent)
            self.assertEqual(request.url, sent)

    def test_a_bearer_is_a_credential_that_the_host_fills(self):
        request = self.sent(lambda ctx: ctx.http.get(URL, bearer=ctx.secret("token")))
        [credential] = request.credentials
        self.assertIsInstance(credential, Credential)
        self.assertEqual((credential.header, credential.template), ("authorization", "Bearer {}"))
        self.assertEqual(request.headers, [])

    def test_two_bodies_are_refused(self):
        with self.assertRaisesRegex(Failed, "bad_argument: give json or body, not both"):
            MockHost().ctx().http.post(URL, json=1, body="1")


class Answers(unittest.TestCase):
    def answered(self, **response):
        return MockHost().http(URL, response).ctx().http.get(URL)

    def test_a_response_has_text_json_and_headers(self):
        response = self.answered(body={"n": 1}, headers={"X-Left": "3"})
        self.assertEqual((response.status, response.ok), (200, True))
        self.assertEqual((response.text, response.json()), ('{"n":1}', {"n": 1}))
        self.assertEqual(response.header("x-left"), "3")
        self.assertEqual(response.header("content-type"), "application/json")
        self.assertIsNone(response.header("x-more"))
        self.assertIs(response.raise_for_status(), response)

    def test_a_status_from_400_on_is_raised_for_a_retry_policy_to_read(self):
        response = self.answered(status=429, headers={"retry-after": "2"}, body="slow down")
        with self.assertRaises(Upstream) as failure:
            response.raise_for_status()
        failure = failure.exception
        self.assertEqual(str(failure), f"http_429: GET {URL} answered 429")
        self.assertEqual((failure.retryable, failure.retry_after_ms), (True, 2000))
        self.assertEqual(failure.details, {"status": 429, "body": "slow down"})
        with self.assertRaises(Upstream) as failure:
            self.answered(status=404).raise_for_status()
        self.assertFalse(failure.exception.retryable)

    def test_a_body_that_cannot_be_read_is_the_servers_fault(self):
        for body in (b"\xff", "{", {"$blob": "sha256:00"}):
            with self.assertRaisesRegex(Upstream, "unreadable_body"):
                data = body.encode() if isinstance(body, str) else body
                Response(200, [], data).json()
