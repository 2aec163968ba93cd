"""What is asked of Artifact Registry about the repository of images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Probe, Unavailable
from kitaru_iac.clouds.gcp.observations import Raw, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.probes_common import POLICY_VERSION, CommonProbes, tested
from kitaru_iac.clouds.gcp.trust import bindings_of

__all__ = ["RegistryProbes", "as_rest"]


class RegistryProbes(CommonProbes):
    """The probes of the repository."""

    def _ask_repository(self) -> None:
        self.repository = self._probe("artifactregistry.repositories.get", self._repository)
        self.repository_key: Probe[Raw] = Probe(
            "cloudkms.cryptoKeys.get of the repository",
            lambda repository: self.read_key(repository.get("kmsKeyName")),
            requires=(self.repository,),
        )
        self.repository_policy = self._probe(
            "artifactregistry.repositories.getIamPolicy", self._repository_policy
        )
        self.repository_tested = self._probe(
            "artifactregistry.repositories.testIamPermissions", self._repository_tested
        )

    @property
    def _repository_name(self) -> str:
        return str(self._r.repository)

    def _repository(self) -> Raw:
        def ask(client: Any, seconds: float) -> Any:
            return client.get_repository(name=self._repository_name, timeout=seconds, retry=None)

        found = as_rest(
            self._google.registry(
                ask, about=self._repository_name, permission="artifactregistry.repositories.get"
            )
        )
        if not found.get("name") or "format" not in found:
            raise Unavailable(f"what Google answered about {self._repository_name} is none")
        return found

    def _repository_policy(self) -> Raw:
        def ask(client: Any, seconds: float) -> Any:
            request = {
                "resource": self._repository_name,
                "options": {"requested_policy_version": POLICY_VERSION},
            }
            return client.get_iam_policy(request=request, timeout=seconds, retry=None)

        found = as_rest(
            self._google.registry(
                ask,
                about=f"the IAM policy of {self._repository_name}",
                permission="artifactregistry.repositories.getIamPolicy",
            )
        )
        bindings_of(found)
        return found

    def _repository_tested(self) -> Tested:
        """For a repository that is not there Google answers an empty list, too."""

        def ask(some: tuple[str, ...]) -> Iterable[str]:
            def call(client: Any, seconds: float) -> Any:
                request = {"resource": self._repository_name, "permissions": list(some)}
                return client.test_iam_permissions(request=request, timeout=seconds, retry=None)

            answer = self._google.registry(call, about=self._repository_name, permission=None)
            return list(answer.permissions)

        return tested(needed(self._r, Identity.CONNECTOR, Resource.REPOSITORY), ask)


def as_rest(message: Any) -> Raw:
    """A message of one of Google's APIs as its REST gives it: camelCase, enums by their names."""
    from google.protobuf.json_format import MessageToDict

    inner = getattr(type(message), "pb", None)
    found: Raw = MessageToDict(message if inner is None else inner(message))
    return found
