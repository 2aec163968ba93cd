"""The evaluations about the repository that images are pushed to."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, all_of
from kitaru_iac.clouds.aws.analyzer import analyzed
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import BucketKey, Principal
from kitaru_iac.clouds.aws.permission_table import Resource
from kitaru_iac.clouds.aws.policies.document import parsed
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_key import evaluate_key
from kitaru_iac.clouds.aws.verify_lifecycle import evaluate_image_lifecycle
from kitaru_iac.clouds.aws.verify_policies import Thing, evaluate_policy

__all__ = ["repository_checks", "repository_thing"]

Raw = Mapping[str, Any]


def repository_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    connector: Probe[Principal] | None = None,
) -> list[Check[object]]:
    """The checks of the repository that ZenML will push to.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is; who asks unless given.
    """
    assert r.registry is not None
    subject = f"{r.registry.host}/{r.repository}"
    create = create_repository(r, r.registry_region)
    add = partial(checklist.check, create=create)
    policy = checklist.check(
        "aws.repository.policy",
        subject,
        Probe(
            "the repository's policy",
            lambda *seen: seen,
            requires=(probes.repository_policy,),
            after=(connector or probes.principal, probes.repository_analysis),
            inline=True,
        ),
        lambda seen: analyzed(
            evaluate_repository_policy(seen[0], seen[1], r), seen[2], _show_policy(r)
        ),
        create=create,
    )
    return [
        add(
            "aws.repository.exists",
            subject,
            probes.push_target,
            lambda seen: evaluate_exists(seen, r),
            on_error=lambda error: _absent(error, r),
        ),
        policy,
        add(
            "aws.repository.encryption",
            subject,
            all_of(probes.repository, after=(probes.repository_key,)),
            lambda seen: evaluate_encryption(seen, r),
        ),
        add(
            "aws.repository.scan_on_push",
            subject,
            all_of(probes.repository, after=(probes.registry_scanning,)),
            lambda seen: evaluate_scanning(seen, r),
        ),
        add(
            "aws.repository.tag_mutability",
            subject,
            probes.repository,
            lambda seen: evaluate_mutability(seen, r),
        ),
        add(
            "aws.repository.lifecycle",
            subject,
            probes.repository_lifecycle,
            lambda seen: evaluate_image_lifecycle(seen, r),
        ),
    ]


def create_repository(r: AwsResources, region: str | None) -> str:
    """The command, with scanning on."""
    return aws(
        "ecr",
        "create-repository",
        repository_name=r.repository,
        image_scanning_configuration={"scanOnPush": True},
        region=region,
    )


def evaluate_exists(seen: Raw, r: AwsResources) -> Verdict:
    """The repository is there, or a template of the registry makes it at the first push."""
    if "template" not in seen:
        return ok(f"it exists: {seen['repositoryArn']}")
    return warn(
        f"there is none yet; the creation template {seen['template']['prefix']} makes it at the "
        "first push, if the connector may ecr:CreateRepository, which is not asked",
        create_repository(r, r.registry_region),
    )


def _absent(error: ProbeError, r: AwsResources) -> Verdict | None:
    if not isinstance(error, NotFound):
        return None
    return fail(
        f"the registry has no repository {r.repository}, and no creation template makes one",
        create_repository(r, r.registry_region),
    )


def evaluate_repository_policy(
    answer: Raw, connector: Outcome[Principal], r: AwsResources
) -> Verdict:
    """What the repository's policy lets the stack's identities do."""
    return evaluate_policy(parsed(answer.get("policyText")), repository_thing(r), connector, r)


def repository_thing(r: AwsResources) -> Thing:
    """What a repository's policy is attached to. Its statements name no resource.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
    """
    return Thing(
        "the repository",
        (Resource.REPOSITORY,),
        account=r.registry.account if r.registry else None,
        region=r.registry_region,
        show=_show_policy(r),
        service="ecr",
        named=False,
    )


def _show_policy(r: AwsResources) -> str:
    return aws(
        "ecr",
        "get-repository-policy",
        registry_id=r.registry.account if r.registry else None,
        repository_name=r.repository,
        region=r.registry_region,
    )


def evaluate_encryption(seen: tuple[Raw, Outcome[BucketKey]], r: AwsResources) -> Verdict:
    """The repository's key. Without it neither push nor pull works, whoever asks.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    repository, key = seen
    kind = repository.get("encryptionConfiguration", {}).get("encryptionType", "AES256")
    return evaluate_key(f"it encrypts with {kind}", key, r.registry_region, "ECR")


def evaluate_scanning(seen: tuple[Raw, Raw | ProbeError], r: AwsResources) -> Verdict:
    """The repository's setting, or a rule of the registry whose filter covers the repository."""
    repository, scanning = seen
    if repository.get("imageScanningConfiguration", {}).get("scanOnPush"):
        return ok("the repository scans on push")
    remedy = aws(
        "ecr",
        "put-image-scanning-configuration",
        repository_name=r.repository,
        image_scanning_configuration={"scanOnPush": True},
        region=r.registry_region,
    )
    if isinstance(scanning, ProbeError):
        return unknown(
            "the repository itself does not scan on push, and the registry's rules could not be "
            f"looked at: {scanning.why}",
            remedy,
            scanning.permission,
        )
    for rule in scanning.get("rules", ()):
        filters = [str(found["filter"]) for found in rule.get("repositoryFilters", ())]
        if rule.get("scanFrequency") in {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"} and any(
            fnmatchcase(str(r.repository), f"*{wanted}*")
            if "*" not in wanted
            # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html:
            # a filter without a wildcard matches every name that contains it.
            else fnmatchcase(str(r.repository), wanted)
            for wanted in filters
        ):
            return ok(f"a rule of the registry scans it ({rule['scanFrequency']})")
    return warn("nothing scans its images for vulnerabilities", remedy)


def evaluate_mutability(repository: Raw, r: AwsResources) -> Verdict:
    """Immutable tags make the second push of a tag fail."""
    mode = str(repository.get("imageTagMutability", "MUTABLE"))
    if mode == "MUTABLE":
        return ok("tags can be pushed again")
    remedy = aws(
        "ecr",
        "put-image-tag-mutability",
        repository_name=r.repository,
        image_tag_mutability="MUTABLE",
        region=r.registry_region,
    )
    return warn(f"its tags are {mode}: pushing a pipeline's image again may be refused", remedy)
