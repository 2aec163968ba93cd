"""Faults that moto cannot cause: a loopback HTTP server in front of it, with a rule per operation.

Real boto3 speaks to it over the wire. An operation is found in a request as AWS's own models
describe it, so a rule is named like the call: ``s3:GetBucketVersioning``.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session

from tests.doubles.web import Request, Response, json_response, serve

#: A rule either answers, or returns None to let the request through to moto.
Rule = Callable[[Request], Response | None]

#: Where AWS's message names an action that is not called like the operation.
_OTHERWISE_NAMED = {
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "service-quotas:ListServiceQuotas": "servicequotas:ListServiceQuotas",
}
_REST = ("s3control", "s3", "eks", "accessanalyzer")
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_HOPS = {"connection", "transfer-encoding", "content-encoding", "content-length", "keep-alive"}


class AwsFaults:
    """The proxy. Without rules it changes nothing.

    Args:
        upstream: moto's URL.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server = serve(self._answer)
        self._rules: dict[str, Rule] = {}
        #: Seconds by which every answer comes later, as if the cloud were far away.
        self.latency = 0.0
        #: Operations asked for, in order of arrival.
        self.calls: list[str] = []
        #: Operations under way at the same moment, at most.
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()

    def __enter__(self) -> AwsFaults:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    def env(self) -> dict[str, str]:
        """To be laid over `AwsLoopback.env()`.

        boto3 puts the account before the host of S3 Control, which no loopback name can have; as
        its HTTP proxy, this server is asked whatever the host is.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3_CONTROL": "http://s3control.invalid",
            "HTTP_PROXY": self.url,
            "http_proxy": self.url,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def reset(self) -> None:
        self._rules.clear()
        self.calls.clear()
        self.busiest = 0
        self.latency = 0.0

    # --- rules

    def answer(self, operation: str, rule: Rule | Response) -> None:
        """Answer an operation as AWS: with a fixed response, or what a function makes of it."""
        given: Rule = rule if callable(rule) else lambda _: rule

        def answered(request: Request) -> Response | None:
            said = given(request)
            return said and replace(said, headers={"x-amzn-requestid": "a-fault", **said.headers})

        self._rules[operation] = answered

    def intercept(self, operation: str, response: Response) -> None:
        """Answer an operation as something on the way to AWS does, as a proxy."""
        self._rules[operation] = lambda _: response

    def deny(self, *operations: str, message: str | None = None) -> None:
        """Answer as AWS answers those who may not: in each protocol's own words."""
        for operation in operations:
            service, name = operation.split(":")
            action = _OTHERWISE_NAMED.get(operation, operation)
            text = message or (
                f"User: arn:aws:iam::123456789012:user/moto is not authorized to perform: "
                f"{action} because no identity-based policy allows it"
            )
            # S3 alone does not name the action in its message.
            words = text if service != "s3" else "Access Denied"
            self.fail(operation, _denied_code(service), words)
            if name.startswith("Head"):
                self.answer(operation, Response(403, b"", {"x-amz-bucket-region": "eu-west-1"}))

    def fail(self, operation: str, code: str, message: str = "no", status: int = 403) -> None:
        """Answer with an error code of AWS."""
        service = operation.partition(":")[0]
        self.answer(operation, error_response(service, code, message, status))

    def delay(self, operation: str, seconds: float) -> None:
        """Answer as moto does, but later."""

        def rule(_: Request) -> None:
            time.sleep(seconds)

        self._rules[operation] = rule

    def change(self, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Let moto answer in JSON, and change its answer: what moto does not know of."""

        def rule(request: Request) -> Response:
            answered = self._forward(request)
            if answered.status >= 300:
                return answered
            body = json.loads(answered.body)
            change(body)
            return replace(answered, body=json.dumps(body).encode())

        self._rules[operation] = rule

    # --- serving

    def _answer(self, request: Request) -> Response:
        if request.target.startswith("http://"):  # asked as a proxy
            parts = urlsplit(request.target)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            request = replace(request, target=target)
        operation = operation_of(request)
        with self._lock:
            self.calls.append(operation)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        time.sleep(self.latency)
        try:
            rule = self._rules.get(operation)
            response = rule(request) if rule is not None else None
            return response or self._forward(request)
        finally:
            with self._lock:
                self._busy -= 1

    def _forward(self, request: Request) -> Response:
        connection = http.client.HTTPConnection(
            str(self._upstream.hostname), self._upstream.port, timeout=60
        )
        headers = {n: v for n, v in request.headers.items() if n not in _HOPS}
        connection.request(request.method, request.target, request.body or None, headers)
        answer = connection.getresponse()
        body = answer.read()
        kept = {n: v for n, v in answer.getheaders() if n.lower() not in _HOPS}
        connection.close()
        return Response(answer.status, body, kept)


def operation_of(request: Request) -> str:
    """``service:Operation`` of a request, as boto3 names them."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    signed_for = (
        scope.group(1).replace("access-analyzer", "accessanalyzer") if scope else "unsigned"
    )
    target = request.headers.get("x-amz-target")
    if target:
        signed_for = signed_for.replace("servicequotas", "service-quotas")
        return f"{signed_for}:{target.rsplit('.', 1)[-1]}"
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return f"{signed_for}:{request.form.get('Action')}"
    for service in _REST:
        if signed_for == service or (signed_for == "s3" and service == "s3control"):
            for name, method, path, query in _rest_operations(service):
                if (
                    request.method == method
                    and path.fullmatch(urlsplit(request.target).path)
                    and query <= set(request.query)
                ):
                    return f"{service}:{name}"
    return f"{signed_for}:unknown"


@cache
def _rest_operations(service: str) -> list[tuple[str, str, re.Pattern[str], set[str]]]:
    """Name, method, path and wanted query keys; the most particular first."""
    model = botocore.session.get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        if model.operation_model(name).deprecated:  # another one is asked in the same words
            continue
        http_traits = model.operation_model(name).http
        # A client of S3 takes the bucket out of its model, for itself, at the first call.
        bucket = "/{Bucket}" if "authPath" in http_traits else ""
        path, _, query = f"{bucket}{http_traits['requestUri']}".partition("?")
        pattern = re.escape(path)
        pattern = re.sub(r"\\\{[^}]*\\\+\\\}", ".+", pattern)
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        keys = {part.partition("=")[0] for part in query.split("&") if part}
        found.append((name, http_traits["method"], re.compile(pattern), keys))
    return sorted(found, key=lambda one: (-len(one[3]), -len(one[2].pattern)))


def error_response(service: str, code: str, message: str, status: int = 403) -> Response:
    """An error in the protocol of a service."""
    if service in {"ecr", "eks", "kms", "service-quotas"}:
        body = {"__type": code, "message": message}
        return json_response(body, status, **{"x-amzn-errortype": code})
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors></Response>"
    elif service in {"s3", "s3control"}:
        text = f"<Error>{inner}</Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
    if service == "s3control":
        text = f"<ErrorResponse>{text}</ErrorResponse>"
    return Response(status, text.encode(), {"Content-Type": "text/xml"})


def _denied_code(service: str) -> str:
    return {
        "ecr": "AccessDeniedException",
        "eks": "AccessDeniedException",
        "service-quotas": "AccessDeniedException",
        "ec2": "UnauthorizedOperation",
    }.get(service, "AccessDenied")
