"""The API of one Kubernetes cluster on loopback, over TLS: objects, and access reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.doubles.tls import ThrowAwayCA
from tests.doubles.web import (
    Handler,
    LoopbackRequestHandler,
    Request,
    ThreadedServer,
    json_response,
)
from tests.doubles.web import Response as Answer

_KINDS = {"serviceaccounts": "serviceAccounts", "secrets": "secrets"}


class KubernetesLoopback:
    """A cluster's API server.

    Args:
        ca: Issues its certificate.
        knows: Whether a bearer token is let in.
    """

    def __init__(self, ca: ThrowAwayCA, knows: Callable[[str | None], bool]) -> None:
        self._knows = knows
        self.forget()
        answer = self._answer

        class Connection(LoopbackRequestHandler):
            def setup(self) -> None:
                self.request = ca.context("127.0.0.1").wrap_socket(self.request, server_side=True)
                super().setup()

            def handler(self) -> Handler:
                return answer

            def finish(self) -> None:
                super().finish()
                self.request.close()

        self._server = ThreadedServer(Connection)

    def forget(self) -> None:
        """Have nothing, and deny nothing."""
        self.namespaces: set[str] = set()
        #: Of namespaces, those that are being deleted.
        self.going: set[str] = set()
        #: Of namespaces that were made here.
        self.labels: dict[str, dict[str, str]] = {}
        #: ``NAMESPACE/NAME`` → its annotations.
        self.accounts: dict[str, dict[str, str]] = {}
        #: Path → what else is there.
        self.objects: dict[str, dict[str, Any]] = {}
        #: ``NAMESPACE/NAME`` of accounts → the image pull secrets that they name.
        self.pulls_with: dict[str, list[str]] = {}
        #: ``NAMESPACE/NAME``.
        self.secrets: set[str] = set()
        #: What it denies, as ``create pods``.
        self.denied: set[str] = set()
        #: Whether one may ask what service accounts may do.
        self.asks_for_others = True
        #: Told which permission a read takes, and on what; raises where it is denied.
        self.require: Callable[[str, str], None] | None = None
        #: Answered instead of what is asked for.
        self.refusal: Answer | None = None

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    @property
    def endpoint(self) -> str:
        """``HOST:PORT``, as GKE names an endpoint that has a port of its own."""
        return f"127.0.0.1:{self._server.port}"

    def _answer(self, request: Request) -> Answer:
        if self.refusal is not None:
            return self.refusal
        if not self._knows(request.bearer):
            return _status(401, "Unauthorized")
        if request.method == "POST":
            made = request.path == "/api/v1/namespaces"
            return self._made(request) if made else self._reviewed(request)
        if request.path in self.objects:
            return json_response({"metadata": {}, **self.objects[request.path]})
        parts = request.path.strip("/").split("/")
        if parts[:3] != ["api", "v1", "namespaces"] or len(parts) not in {4, 6}:
            return _status(404, "NotFound")
        kind = "namespaces" if len(parts) == 4 else _KINDS[parts[4]]
        if self._is_refused(f"container.{kind}.get", request.path):
            return _status(403, "Forbidden")
        if len(parts) == 4:
            if parts[3] not in self.namespaces:
                return _status(404, "NotFound")
            metadata: dict[str, Any] = {"name": parts[3]}
            if parts[3] in self.going:
                metadata["deletionTimestamp"] = "2026-11-28T09:00:00Z"
            return json_response({"kind": "Namespace", "metadata": metadata})
        return self._secret(request) if parts[4] == "secrets" else self._account(parts)

    def _is_refused(self, permission: str, path: str) -> bool:
        if self.require is None:
            return False
        try:
            self.require(permission, path)
        except Exception:  # whichever way a cloud's double denies
            return True
        return False

    def _made(self, request: Request) -> Answer:
        """A namespace; a name that is taken is refused, also by one that is being deleted."""
        if self._is_refused("container.namespaces.create", request.path):
            return _status(403, "Forbidden")
        metadata = request.json()["metadata"]
        if metadata["name"] in self.namespaces:
            return _status(409, "AlreadyExists")
        self.namespaces.add(metadata["name"])
        self.labels[metadata["name"]] = metadata["labels"]
        return json_response({"kind": "Namespace", "metadata": metadata}, 201)

    def _account(self, parts: list[str]) -> Answer:
        name = f"{parts[3]}/{parts[5]}"
        annotations = self.accounts.get(name)
        if annotations is None:
            return _status(404, "NotFound")
        metadata: dict[str, Any] = {"name": parts[5], "annotations": annotations}
        pulls = [{"name": one} for one in self.pulls_with.get(name, ())]
        return json_response(
            {"kind": "ServiceAccount", "metadata": metadata, "imagePullSecrets": pulls}
        )

    def _secret(self, request: Request) -> Answer:
        """A secret without what is in it, which nobody here has a reason to ask for."""
        assert "as=PartialObjectMetadata" in request.headers["accept"]
        parts = request.path.strip("/").split("/")
        if f"{parts[3]}/{parts[5]}" not in self.secrets:
            return _status(404, "NotFound")
        return json_response({"kind": "PartialObjectMetadata", "metadata": {"name": parts[5]}})

    def _reviewed(self, request: Request) -> Answer:
        spec = request.json()["spec"]
        wanted = spec["resourceAttributes"]
        reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        if "user" in spec:
            where = f"namespaces/{wanted['namespace']}/localsubjectaccessreviews"
            reviews = f"/apis/authorization.k8s.io/v1/{where}"
            if not self.asks_for_others or self._is_refused(
                "container.localSubjectAccessReviews.create", request.path
            ):
                return _status(403, "Forbidden")
        assert request.path == reviews
        about = "/".join(filter(None, (wanted["resource"], wanted["subresource"])))
        allowed = f"{wanted['verb']} {about}" not in self.denied
        return json_response({"status": {"allowed": allowed}}, 201)


def _status(code: int, reason: str) -> Answer:
    return json_response({"kind": "Status", "code": code, "reason": reason}, code)


__all__ = ["KubernetesLoopback"]
