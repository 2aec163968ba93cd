"""What is asked of ECR about the repository."""

from __future__ import annotations

from kitaru_iac.checks.probes import (
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
)
from kitaru_iac.clouds.aws.analyzer import analyze_repository
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    BucketKey,
    CallerIdentity,
)
from kitaru_iac.clouds.aws.probes_common import CommonProbes, Raw

__all__ = ["RegistryProbes"]


class RegistryProbes(CommonProbes):
    """The probes of the repository and its registry."""

    def _ask_repository(self) -> None:
        self.repository_policy = self._probe("ecr:GetRepositoryPolicy", self._repository_policy)
        self.repository_analysis = Probe(
            "access-analyzer:ValidatePolicy of the repository's policy",
            lambda answer: analyze_repository(self._aws, self._repository_name, answer),
            requires=(self.repository_policy,),
        )
        self.repository = self._probe("ecr:DescribeRepositories", self._repository)
        self.repository_lifecycle = self._probe("ecr:GetLifecyclePolicy", self._lifecycle)
        self.repository_key = Probe(
            "kms:DescribeKey of the repository",
            self._repository_key,
            requires=(self.repository,),
        )
        # Waits, since templates only matter for a repository that is not there.
        self.push_target = Probe(
            "ecr:DescribeRepositoryCreationTemplates",
            lambda _session, found, who: self._push_target(found, who),
            requires=(self.session,),
            after=(self.repository, self.identity),
        )
        self.registry_scanning = self._probe(
            "ecr:GetRegistryScanningConfiguration", self._registry_scanning
        )

    @property
    def _repository_name(self) -> str:
        registry = self._r.registry
        assert registry is not None
        return f"{registry.host}/{self._r.repository}"

    def _repository(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        answer = self._aws.ask(
            "ecr",
            "describe_repositories",
            about=self._repository_name,
            absent=("RepositoryNotFoundException",),
            region=registry.region,
            registryId=registry.account,
            repositoryNames=[self._r.repository],
        )
        found: Raw = answer["repositories"][0]
        return found

    def _repository_key(self, repository: Raw) -> BucketKey:
        """The KMS key of a repository, which is in its region; none where ECR's own encrypts it."""
        encryption: Raw = repository.get("encryptionConfiguration") or {}
        uses_kms = str(encryption.get("encryptionType", "")).startswith("KMS")
        named = str(encryption["kmsKey"]) if uses_kms and encryption.get("kmsKey") else None
        region = self._r.registry_region
        return self.describe_key(named, region, region)

    def _push_target(self, found: Outcome[Raw], who: Outcome[CallerIdentity]) -> Raw:
        """The repository, or under ``template`` what makes it at the first push.

        The most specific prefix counts, and ends before a slash; ROOT is for all names:
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
        """
        if not isinstance(found, ProbeError):
            return found
        registry = self._r.registry
        assert registry is not None
        if not isinstance(found, NotFound):
            raise found
        if not isinstance(who, CallerIdentity) or who.account != registry.account:
            raise Skipped(
                f"{registry.host} has no such repository, and its creation templates are shown to "
                f"account {registry.account} alone",
                aws("sts", "get-caller-identity"),
            )
        templates = self._aws.ask_all(
            "ecr",
            "describe_repository_creation_templates",
            "repositoryCreationTemplates",
            about=f"the creation templates of {registry.host}",
            region=registry.region,
        )
        fitting = [t for t in templates if _fits_prefix(str(t["prefix"]), str(self._r.repository))]
        fitting.sort(key=lambda t: -1 if t["prefix"] == "ROOT" else len(t["prefix"]))
        if fitting and "CREATE_ON_PUSH" in fitting[-1].get("appliedFor", ()):
            return {"template": fitting[-1]}
        raise found

    def _repository_policy(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        return self._aws.ask(
            "ecr",
            "get_repository_policy",
            about=self._repository_name,
            absent=("RepositoryNotFoundException",),
            none=("RepositoryPolicyNotFoundException",),
            region=registry.region,
            registryId=registry.account,
            repositoryName=self._r.repository,
        )

    def _lifecycle(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        return self._aws.ask(
            "ecr",
            "get_lifecycle_policy",
            about=self._repository_name,
            absent=("RepositoryNotFoundException",),
            none=("LifecyclePolicyNotFoundException",),
            region=registry.region,
            registryId=registry.account,
            repositoryName=self._r.repository,
        )

    def _registry_scanning(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        answer = self._aws.ask(
            "ecr",
            "get_registry_scanning_configuration",
            about=registry.host,
            region=registry.region,
        )
        if answer.get("registryId") not in {None, registry.account}:
            raise Skipped(f"the scanning of {registry.host} is shown to its own account only")
        configuration: Raw = answer["scanningConfiguration"]
        return configuration


def _fits_prefix(prefix: str, name: str) -> bool:
    return prefix == "ROOT" or name.startswith(prefix.rstrip("/") + "/")
