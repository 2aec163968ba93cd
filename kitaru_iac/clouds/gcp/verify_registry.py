"""The evaluations about the repository of images."""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import NotFound, ProbeError, all_of
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.observations import Caller, Raw
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import RepositoryName
from kitaru_iac.clouds.gcp.verify_key import evaluate_key

__all__ = ["repository_checks"]


def repository_checks(
    checklist: Checklist[Caller], probes: GcpProbes, name: RepositoryName
) -> list[Check[object]]:
    """The checks of the repository that the description names."""
    subject = str(name)
    create = create_repository(name)
    add = partial(checklist.check, create=create)

    def absent(error: ProbeError) -> Verdict | None:
        if not isinstance(error, NotFound):
            return None
        stands_for = ": nothing stands for this gcr.io address" if name.is_gcr else ""
        return fail(f"there is no such repository{stands_for}", create)

    return [
        add(
            "gcp.repository.exists",
            subject,
            probes.repository,
            lambda _: ok(f"it exists, in {name.location}"),
            on_error=absent,
        ),
        add(
            "gcp.repository.format", subject, probes.repository, lambda s: evaluate_format(s, name)
        ),
        add(
            "gcp.repository.tag_mutability",
            subject,
            probes.repository,
            lambda seen: evaluate_tags(seen, name),
        ),
        add(
            "gcp.repository.cleanup",
            subject,
            probes.repository,
            lambda seen: evaluate_cleanup(seen, name),
        ),
        add(
            "gcp.repository.encryption",
            subject,
            all_of(probes.repository, probes.repository_key),
            lambda seen: evaluate_key(
                seen[0].get("kmsKeyName"), seen[1], "service agent of Artifact Registry"
            ),
        ),
        add(
            "gcp.repository.scanning",
            subject,
            probes.repository,
            lambda seen: evaluate_scanning(seen, name),
        ),
    ]


def create_repository(name: RepositoryName) -> str:
    """The command. One of the id of an old host takes that host's pushes."""
    return _repositories("create", name, repository_format="docker")


def _repositories(verb: str, name: RepositoryName, **options: str | bool) -> str:
    return gcloud(
        "artifacts",
        "repositories",
        verb,
        name.id,
        **options,
        location=name.location,
        project=name.project,
    )


def evaluate_format(seen: Raw, name: RepositoryName) -> Verdict:
    """Docker, and a repository that keeps what is pushed."""
    form, mode = str(seen.get("format") or ""), str(seen.get("mode") or "STANDARD_REPOSITORY")
    show = note(create_repository(name), "under another name, for images")
    if form in {"", "FORMAT_UNSPECIFIED"}:
        return unknown(
            "Artifact Registry does not tell its format", _repositories("describe", name)
        )
    if form != "DOCKER":
        return fail(f"its format is {form}, and images need DOCKER", show)
    if mode in {"REMOTE_REPOSITORY", "VIRTUAL_REPOSITORY"}:
        return fail(f"its mode is {mode}, which takes no pushes", show)
    if mode in {"STANDARD_REPOSITORY", "MODE_UNSPECIFIED"}:
        return ok("it is a standard repository of format DOCKER")
    return unknown(f"its mode is {mode}, which is not known here", _repositories("describe", name))


def evaluate_tags(seen: Raw, name: RepositoryName) -> Verdict:
    """Where tags are immutable, the second push of a pipeline's image is refused."""
    if (seen.get("dockerConfig") or {}).get("immutableTags"):
        return fail(
            "its tags are immutable, and ZenML pushes the same tag again",
            _repositories("update", name, no_immutable_tags=True),
        )
    return ok("its tags can be pushed again")


def evaluate_cleanup(seen: Raw, name: RepositoryName) -> Verdict:
    """What deletes, unless it only pretends to."""
    policies = seen.get("cleanupPolicies") or {}
    deleting = sorted(key for key, one in policies.items() if one.get("action") == "DELETE")
    if not deleting:
        return ok("no clean-up policy deletes images")
    words = f"the clean-up policies {', '.join(deleting)} delete images"
    if seen.get("cleanupPolicyDryRun"):
        return ok(f"{words} in a dry run alone")
    return warn(
        f"{words}, which a schedule or a reused build may still run",
        _repositories("list-cleanup-policies", name),
    )


def evaluate_scanning(seen: Raw, name: RepositoryName) -> Verdict:
    """The state that Artifact Registry tells of its own accord."""
    config = seen.get("vulnerabilityScanningConfig") or {}
    state = str(config.get("enablementState") or "")
    if state == "SCANNING_ACTIVE":
        return ok("images are scanned when they are pushed")
    enable = gcloud("services", "enable", "containerscanning.googleapis.com", project=name.project)
    if state == "SCANNING_DISABLED":
        return warn(
            f"images are not scanned: {config.get('enablementStateReason') or 'it is off'}",
            note(enable, "costs money for each image"),
        )
    return unknown(
        f"Artifact Registry tells the state {state or 'of scanning not'}",
        _repositories("describe", name),
    )
