"""Faults of Azure's that its double does not cause by itself: a rule for each call.

A call is named as it is asked: ``management.azure.com/subscriptions/…`` in lower case, without its
query.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.doubles.web import Handler, Request, Response, json_response

#: Answers in the double's place, given what it would have answered.
Rule = Callable[[Request, Handler], Response]


class AzureFaults:
    """Rules between the proxy and the doubles. Without any it changes nothing."""

    def __init__(self) -> None:
        self._rules: list[tuple[Callable[[str], bool], Rule]] = []
        self._lock = threading.Lock()
        #: What was asked, in order of arrival.
        self.calls: list[str] = []
        #: Calls under way at the same moment, at most.
        self.busiest = 0
        self._busy = 0
        #: Seconds by which every answer comes later.
        self.latency = 0.0

    def reset(self) -> None:
        """Forget all rules and calls."""
        self._rules.clear()
        self.calls.clear()
        self.busiest = 0
        self.latency = 0.0

    def on(self, call: str, rule: Rule | Response) -> None:
        """Answer the calls that end so, with a fixed response or with what a function makes."""
        answer: Rule = rule if callable(rule) else lambda _request, _handler: rule
        self._rules.append((lambda asked: asked.endswith(call.lower()), answer))

    def on_all(self, host: str, rule: Rule | Response) -> None:
        """Answer every call to a host."""
        answer: Rule = rule if callable(rule) else lambda _request, _handler: rule
        self._rules.append((lambda asked: asked.startswith(host), answer))

    def change(self, call: str, change: Callable[[Any], None]) -> None:
        """Change the double's own answer, in JSON."""

        def rule(request: Request, handler: Handler) -> Response:
            answered = handler(request)
            body = json.loads(answered.body)
            change(body)
            return replace(answered, body=json.dumps(body).encode())

        self.on(call, rule)

    def before(self, handler: Handler) -> Handler:
        """The handler with the rules before it."""

        def answer(request: Request) -> Response:
            asked = f"{request.host}{request.path}".rstrip("/").lower()
            with self._lock:
                self.calls.append(asked)
                self._busy += 1
                self.busiest = max(self.busiest, self._busy)
            try:
                time.sleep(self.latency)
                rule = next((rule for matches, rule in self._rules if matches(asked)), None)
                return handler(request) if rule is None else rule(request, handler)
            finally:
                with self._lock:
                    self._busy -= 1

        return answer


def error(status: int, code: str, message: str = "no", **headers: str) -> Response:
    """An error in the form of the service that is asked: JSON, with the code in the header too."""
    body = {"error": {"code": code, "message": message}}
    return json_response(body, status, **{"x-ms-error-code": code, **headers})


def forbidden(request: Request, _handler: Handler) -> Response:
    """What Resource Manager says before it looks whether something exists."""
    scope = request.path
    return error(
        403,
        "AuthorizationFailed",
        "The client 'loopback' does not have authorization to perform action "
        f"'Microsoft.Loopback/things/read' over scope '{scope}' or the scope is invalid.",
    )


def hang(seconds: float) -> Rule:
    """Answer after so many seconds, which is too late."""

    def rule(request: Request, handler: Handler) -> Response:
        time.sleep(seconds)
        return handler(request)

    return rule
