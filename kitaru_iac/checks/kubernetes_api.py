"""One question to the API of a Kubernetes cluster itself: what its cloud does not tell.

The token goes to the cluster's own endpoint alone, over TLS with the certificate authority that the
cloud names, and into no error. Needs no package: the standard library asks, through the proxy that
the environment names.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from kitaru_iac.checks.commands import command
from kitaru_iac.checks.model import Verdict, fail
from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Skipped, Unavailable

__all__ = ["IN_EVERY_CLUSTER", "KubernetesApi", "NotInCluster", "missing_namespace"]

#: The namespaces that nobody has to make.
IN_EVERY_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_SHOW = "kubectl get namespaces"
#: No answer that is read here is longer: one object of the cluster.
_MOST = 4 * 1024 * 1024


class NotInCluster(NotFound):
    """The cluster answers, and has no such object; the cluster itself is there."""


class _NoRedirect(HTTPRedirectHandler):
    """A cluster sends nobody elsewhere: the token would go there too."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class KubernetesApi:
    """The API of one cluster, as one identity.

    Attributes:
        endpoint: ``https://HOST[:PORT]``; empty where the cloud told none.
        authority: The certificate authority in PEM, in base64; None for those that this machine
            trusts; empty where the cloud told none.
        token: Knows the identity to the cluster.
        timeout: Seconds that one answer may take.
    """

    endpoint: str
    authority: str | None
    token: str = field(repr=False)
    timeout: float

    def namespace(self, name: str) -> str:
        """Find a namespace, and return its name.

        Raises:
            NotInCluster: The cluster has none of this name.
            ProbeError: As `read`.
        """
        self.read(f"/api/v1/namespaces/{quote(name, safe='')}", f"namespace {name}", "namespaces")
        return name

    def read(self, path: str, about: str, kind: str) -> Mapping[str, object]:
        """Read one object.

        Args:
            path: Its path in the API.
            about: What it is, for the words of an error.
            kind: What it is one of, in the plural.

        Raises:
            NotInCluster: The cluster has none of this name.
            Denied: The cluster does not let this identity look.
            Skipped: The cloud told no endpoint with a certificate authority.
            Unavailable: No usable answer came.
        """
        if not self.endpoint.startswith("https://") or self.authority == "":
            raise Skipped("no endpoint and certificate authority of the cluster was told", _SHOW)
        status, body = self._get(self.endpoint.rstrip("/") + path)
        if status == 404:
            raise NotInCluster(f"the cluster has no {about}")
        if status in {401, 403}:
            raise Denied(
                f"the cluster answered {status}: these credentials may not read its {kind}", _SHOW
            )
        if status != 200:
            raise Unavailable(f"the cluster answered {status} about the {about}", _SHOW)
        try:
            found = json.loads(body)
        except ValueError as error:
            raise Unavailable(f"the answer about the {about} could not be understood") from error
        if not isinstance(found, dict) or "metadata" not in found:
            raise Unavailable(f"the answer about the {about} is no object of Kubernetes", _SHOW)
        return found

    def _get(self, url: str) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = Request(url, headers=headers)  # noqa: S310 - `read` takes https alone
        try:
            context = ssl.create_default_context(cadata=self._pem())
            opener = build_opener(HTTPSHandler(context=context), _NoRedirect)
            with opener.open(request, timeout=min(5.0, self.timeout)) as answer:
                return int(answer.status), answer.read(_MOST)
        except HTTPError as error:
            with error:
                return error.code, b""
        except (OSError, HTTPException, ValueError, binascii.Error) as error:
            raise Unavailable(
                f"the cluster's endpoint gave no usable answer: {type(error).__name__}", _SHOW
            ) from error

    def _pem(self) -> str | None:
        return None if self.authority is None else base64.b64decode(self.authority).decode("ascii")


def missing_namespace(error: ProbeError, name: str) -> Verdict | None:
    """Fail where a cluster has no namespace of this name; None for every other error.

    The cluster itself may be what was not found: that is another check's.
    """
    if not isinstance(error, NotInCluster):
        return None
    return fail(error.why, command("kubectl", "create", "namespace", name))
