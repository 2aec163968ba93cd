"""Commands of gcloud, as remedies: complete, with real names, ready to be pasted."""

from __future__ import annotations

from kitaru_iac.checks.commands import OptionValue, command

__all__ = ["bind", "cluster", "gcloud", "run_steps", "use_bucket"]


def gcloud(*words: str, **options: OptionValue) -> str:
    """Write ``gcloud WORD … --option VALUE …``."""
    return command("gcloud", *words, **options)


def cluster(
    verb: str, name: str | None, location: object, project: str | None, **options: OptionValue
) -> str:
    """Write the command that shows or changes one GKE cluster: ``describe``, ``update``."""
    where: dict[str, OptionValue] = {"location": str(location), "project": project}
    return gcloud("container", "clusters", verb, str(name), **where, **options)


def bind(*thing: str, member: str, role: str, **options: OptionValue) -> str:
    """Write the command that gives a role on one thing.

    Args:
        *thing: The noun and its name, as ``storage buckets gs://data``.
        member: As ``serviceAccount:NAME@PROJECT.iam.gserviceaccount.com``.
        role: As ``roles/storage.objectUser``.
        **options: Where the thing is.
    """
    *noun, name = thing
    return gcloud(*noun, "add-iam-policy-binding", name, member=member, role=role, **options)


def use_bucket(uri: str, member: str) -> str:
    """Write the commands that let somebody use a bucket: objects, and the bucket's own settings."""
    roles = ("roles/storage.objectUser", "roles/storage.bucketViewer")
    return " && ".join(bind("storage", "buckets", uri, member=member, role=role) for role in roles)


def run_steps(project: str, member: str) -> str:
    """Write the commands that let somebody start the steps of a run on Vertex, and write logs."""
    roles = ("roles/aiplatform.user", "roles/logging.logWriter")
    return " && ".join(bind("projects", project, member=member, role=role) for role in roles)
