"""The evaluation about the key of Cloud KMS that encrypts a bucket or a repository."""

from __future__ import annotations

from kitaru_iac.checks.model import Verdict, fail, ok, unknown
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.observations import Raw

__all__ = ["evaluate_key"]

#: https://cloud.google.com/kms/docs/key-states
_WORKS = {"ENABLED"}
_BROKEN = {"DISABLED", "DESTROY_SCHEDULED", "DESTROYED", "IMPORT_FAILED", "GENERATION_FAILED"}


def evaluate_key(named: str | None, key: Raw, agent: str) -> Verdict:
    """Google's own keys always work; one of Cloud KMS has a state and a place.

    Args:
        named: The key's full name; None where Google's own encrypts.
        key: As Cloud KMS describes it; empty where there is none.
        agent: Who has to be let use it.
    """
    if named is None:
        return ok("Google's own keys encrypt it")
    version = key.get("primary") or {}
    state = str(version.get("state") or "")
    parts = named.split("/")
    place = dict(zip(parts[::2], parts[1::2], strict=False))
    show = gcloud(
        "kms",
        "keys",
        "describe",
        place.get("cryptoKeys", named),
        keyring=place.get("keyRings"),
        location=place.get("locations"),
        project=place.get("projects"),
    )
    if state in _BROKEN:
        return fail(f"its key {named} is {state}", show)
    if str(key.get("purpose")) != "ENCRYPT_DECRYPT":
        return fail(f"its key {named} is for {key.get('purpose')}", show)
    if state in _WORKS:
        return ok(
            f"{named} encrypts it, and is {state}",
            f"whether the {agent} may use it was not looked at",
        )
    return unknown(f"its key {named} is in the state {state or 'that was not told'}", show)
