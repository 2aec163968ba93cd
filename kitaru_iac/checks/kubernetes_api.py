"""The API of a Kubernetes cluster itself: asked what its cloud does not tell, and for a namespace.

The token goes to the cluster's own endpoint alone, over TLS with the certificate authority that the
cloud names, and into no error. Needs no package: the standard library asks, through the proxy that
the environment names.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from kitaru_iac.checks.cluster_rights import ClusterRight
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import Verdict, fail, unknown
from kitaru_iac.checks.probes import (
    Denied,
    NotFound,
    ProbeError,
    Skipped,
    Unavailable,
    in_parallel,
)

__all__ = [
    "IN_EVERY_CLUSTER",
    "BeingDeleted",
    "KubernetesApi",
    "NotInCluster",
    "NotLetIn",
    "missing_namespace",
    "not_let_in",
]

#: The namespaces that nobody has to make.
IN_EVERY_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_SHOW = "kubectl get namespaces"
_REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#: Asks for an object without what is in it.
#: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_REVIEWS_OF_OTHERS = "/apis/authorization.k8s.io/v1/namespaces/{}/localsubjectaccessreviews"
#: No answer that is read here is longer: one object of the cluster.
_MOST = 4 * 1024 * 1024


class NotInCluster(NotFound):
    """The cluster answers, and has no such object; the cluster itself is there."""


class BeingDeleted(ProbeError):
    """The cluster has it, and is deleting it, which may wait for long on a finalizer.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
    """


class NotLetIn(Denied):
    """The cluster itself denies it: no permission of the cloud is named, and none may help."""


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
        path = f"/api/v1/namespaces/{quote(name, safe='')}"
        self.read(path, f"namespace {name}", "namespaces", _SHOW)
        return name

    def make_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Make a namespace. One that is there stays as it is, whoever made it.

        Returns:
            Whether it was made; False where it was there by then.

        Raises:
            BeingDeleted: It is there, and goes.
            NotLetIn: The cluster does not let this identity make namespaces, or look at them.
            Skipped: As `read`.
            Unavailable: No usable answer came; it may have been made.
        """
        metadata = {"name": name, "labels": dict(labels)}
        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        status, _ = self._ask("/api/v1/namespaces", json.dumps(wanted).encode())
        if status in {401, 403}:
            may = "kubectl auth can-i create namespaces"
            raise NotLetIn(f"the cluster answered {status}: these credentials may not make it", may)
        if status == 409:  # a name that is taken; one that is being deleted is, too
            self.namespace(name)
        elif status != 201:
            raise Unavailable(f"the cluster answered {status} when it was to be made", _SHOW)
        return status == 201

    def service_account(self, namespace: str, name: str) -> Mapping[str, object]:
        """Read a service account; empty where there is none.

        Raises:
            ProbeError: As `read`, where it is not known.
        """
        about = f"service account {name} in {namespace}"
        try:
            return self._read_in(namespace, "serviceaccounts", name, about, "service accounts")
        except NotInCluster:
            return {}

    def has_secret(self, namespace: str, name: str) -> bool:
        """Tell whether there is a secret, by its metadata: what is in it stays where it is.

        Raises:
            ProbeError: As `read`, where it is not known.
        """
        about = f"secret {name} in {namespace}"
        try:
            self._read_in(namespace, "secrets", name, about, "secrets", metadata_alone=True)
        except NotInCluster:
            return False
        return True

    def _read_in(
        self,
        namespace: str,
        kind: str,
        name: str,
        about: str,
        words: str,
        *,
        metadata_alone: bool = False,
    ) -> Mapping[str, object]:
        """Read one object of a namespace."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/{kind}/{quote(name, safe='')}"
        show = command("kubectl", "get", kind, name, namespace=namespace)
        return self.read(path, about, words, show, metadata_alone=metadata_alone)

    def read(
        self, path: str, about: str, kind: str, show: str, *, metadata_alone: bool = False
    ) -> Mapping[str, object]:
        """Read one object.

        Args:
            path: Its path in the API.
            about: What it is, for the words of an error.
            kind: What it is one of, in the plural.
            show: The command that looks at it.
            metadata_alone: Leave what is in it, as in a secret, where it is.

        Raises:
            NotInCluster: The cluster has none of this name.
            BeingDeleted: It has, and nothing can be built on it any more.
            NotLetIn: The cluster does not let this identity look.
            Skipped: The cloud told no endpoint with a certificate authority.
            Unavailable: No usable answer came.
        """
        status, body = self._ask(path, accept=_METADATA if metadata_alone else None)
        if status == 404:
            raise NotInCluster(f"the cluster has no {about}")
        if status in {401, 403}:
            raise NotLetIn(
                f"the cluster answered {status}: these credentials may not read its {kind}", show
            )
        if status != 200:
            raise Unavailable(f"the cluster answered {status} about the {about}", show)
        try:
            found = json.loads(body)
        except ValueError as error:
            raise Unavailable(f"the answer about the {about} could not be understood") from error
        if not isinstance(found, dict) or "metadata" not in found:
            raise Unavailable(f"the answer about the {about} is no object of Kubernetes", show)
        metadata = found["metadata"]
        if isinstance(metadata, dict) and metadata.get("deletionTimestamp"):
            raise BeingDeleted(f"the cluster is deleting the {about}", show)
        return found

    def denied(
        self, namespace: str, rights: Sequence[ClusterRight], account: str | None = None
    ) -> tuple[ClusterRight, ...]:
        """Give those of some rights that the cluster denies this identity in a namespace.

        Or a service account of the namespace, about which not everybody may ask: the role `admin`
        of Kubernetes may. Each is a review of its own: a list of all rules would miss what the
        cloud's own authorizer allows, as IAM's in GKE and the access policies in EKS.

        Raises:
            NotLetIn: The cluster does not let this identity ask.
            Skipped: As `read`.
            Unavailable: No usable answer came to one of the questions.
        """
        ask = partial(self._allows, namespace, account)
        answers = in_parallel([partial(ask, right) for right in rights])
        return tuple(right for right, allowed in zip(rights, answers, strict=True) if not allowed)

    def _allows(self, namespace: str, account: str | None, right: ClusterRight) -> bool:
        about = f"kubectl auth can-i {right.verb} {right.resource} --namespace {namespace}"
        resource, _, part = right.resource.partition("/")
        wanted = {"namespace": namespace, "verb": right.verb, "group": right.group}
        wanted |= {"resource": resource, "subresource": part, "name": right.name or ""}
        question: dict[str, object] = {**_REVIEW, "spec": {"resourceAttributes": wanted}}
        path, whose = _REVIEWS, "they"
        if account is not None:
            whose = f"the service account {account}"
            path = _REVIEWS_OF_OTHERS.format(quote(namespace, safe=""))
            question = _review_of(account, namespace, wanted)
            about = f"{about} --as system:serviceaccount:{namespace}:{account}"
        status, body = self._ask(path, json.dumps(question).encode())
        if status in {401, 403}:
            raise NotLetIn(
                f"the cluster answered {status}: these credentials may not ask what {whose} may do",
                about,
            )
        try:
            said = json.loads(body)["status"] if status == 201 else {}
            allowed, unsure = said.get("allowed"), bool(said.get("evaluationError"))
        except (ValueError, LookupError, TypeError, AttributeError):
            allowed, unsure = None, True
        if not isinstance(allowed, bool) or (unsure and not allowed):
            raise Unavailable(
                f"the cluster answered {status}, and not whether one may {right}", about
            )
        return allowed

    def _ask(
        self, path: str, body: bytes | None = None, accept: str | None = None
    ) -> tuple[int, bytes]:
        if not self.endpoint.startswith("https://") or self.authority == "":
            raise Skipped("no endpoint and certificate authority of the cluster was told", _SHOW)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if accept is not None:
            headers["Accept"] = accept
        url = self.endpoint.rstrip("/") + path
        request = Request(url, body, headers)  # noqa: S310 - https alone, as above
        try:
            with self._opener.open(request, timeout=min(5.0, self.timeout)) as answer:
                return int(answer.status), answer.read(_MOST)
        except HTTPError as error:
            with error:
                return error.code, b""
        except (OSError, HTTPException, ValueError, binascii.Error) as error:
            raise Unavailable(
                f"the cluster's endpoint gave no usable answer: {type(error).__name__}", _SHOW
            ) from error

    @cached_property
    def _opener(self) -> OpenerDirector:
        context = ssl.create_default_context(cadata=self._pem())
        return build_opener(HTTPSHandler(context=context), _NoRedirect)

    def _pem(self) -> str | None:
        return None if self.authority is None else base64.b64decode(self.authority).decode("ascii")


def _review_of(account: str, namespace: str, wanted: Mapping[str, str]) -> dict[str, object]:
    """The question what a service account may do, with the groups that it is in."""
    spec = {
        "resourceAttributes": wanted,
        "user": f"system:serviceaccount:{namespace}:{account}",
        "groups": [
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        ],
    }
    about = {"kind": "LocalSubjectAccessReview", "metadata": {"namespace": namespace}}
    return {**_REVIEW, **about, "spec": spec}


def not_let_in(error: ProbeError) -> Verdict | None:
    """Leave open what the cluster itself did not let be seen; None for every other error."""
    return unknown(error.why, error.remedy) if isinstance(error, NotLetIn) else None


def missing_namespace(error: ProbeError, name: str) -> Verdict | None:
    """Fail where a cluster has no namespace of this name, or not for long; else None.

    The cluster itself may be what was not found: that is another check's.
    """
    if isinstance(error, BeingDeleted):
        show = command("kubectl", "get", "namespace", name, output="yaml")
        return fail(
            f"{error.why}, and takes nothing new in it",
            note(show, "its conditions tell what it waits for"),
        )
    if not isinstance(error, NotInCluster):
        return None
    return fail(error.why, command("kubectl", "create", "namespace", name))
