"""The evaluations about rules that take away what is stored: objects of a bucket, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Verdict, ok, unknown, warn
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.policies.document import parsed
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["evaluate_image_lifecycle", "evaluate_rules"]

Raw = Mapping[str, Any]
#: Classes whose objects have to be restored, for hours, before they are read:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
#: A pipeline may have an image for each of its steps, and each build is a push.
_FEW = 10


def evaluate_rules(answer: Raw, r: AwsResources) -> Verdict:
    """What is loaded later must not be deleted or archived meanwhile.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    harm = [
        f"the rule {rule.get('ID') or 'without an id'} {what}"
        for rule in answer.get("Rules", ())
        if rule.get("Status") == "Enabled" and _meets(rule, r)
        for what in _harm(rule)
    ]
    if not harm:
        return ok("no rule deletes or archives what the store has")
    show = aws(
        "s3api",
        "get-bucket-lifecycle-configuration",
        bucket=r.bucket,
        region=r.region,
    )
    where = f"{r.prefix}/" if r.prefix else "the store"
    remedy = note(show, f"shows all rules; let those that are named here leave {where} out")
    return warn(f"{'; '.join(harm)}: artifacts that runs still load are gone then", remedy)


def _meets(rule: Raw, r: AwsResources) -> bool:
    """Whether a rule is about objects of the store, for all that can be told beforehand."""
    found: Raw = rule.get("Filter") or {}
    both: Raw = found.get("And") or {}
    if r.plain_uploads and (found.get("Tag") or both.get("Tags")):
        return False
    prefix = str(found.get("Prefix") or both.get("Prefix") or rule.get("Prefix") or "")
    store = f"{r.prefix}/" if r.prefix else ""
    return store.startswith(prefix) or prefix.startswith(store)


def _harm(rule: Raw) -> Iterator[str]:
    ends: Raw = rule.get("Expiration") or {}
    if ends.get("Days") or ends.get("Date"):
        yield f"deletes them {_when(ends)}"
    for move in rule.get("Transitions") or ():
        if move.get("StorageClass") in _ARCHIVES:
            yield f"moves them to {move['StorageClass']} {_when(move)}"


def _when(rule: Raw) -> str:
    if rule.get("Date"):
        return f"on {str(rule['Date'])[:10]}"
    days = rule.get("Days") or 0
    return f"{days} days after they were written"


def evaluate_image_lifecycle(answer: Raw, r: AwsResources) -> Verdict:
    """A digest that a schedule names must not vanish.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    """
    show = aws(
        "ecr",
        "get-lifecycle-policy",
        registry_id=r.registry.account if r.registry else None,
        repository_name=r.repository,
        region=r.registry_region,
    )
    text = answer.get("lifecyclePolicyText")
    if not text:
        return ok("nothing removes images")
    document = parsed(text)
    rules = document.get("rules")
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        return unknown("its lifecycle policy cannot be read", show)
    harm = [what for rule in rules if (what := _of_images(rule))]
    if harm:
        why = f"it {'; '.join(harm)}, though a schedule or a reused build may run them"
        return warn(why, note(show, "shows the rules; keep the last so many images, or all"))
    kept = [rule.get("selection", {}).get("countNumber") for rule in rules]
    return ok(
        f"it keeps the last {min(kept)} images" if kept else "nothing removes images",
        "an older one that a schedule names is removed" if kept else None,
    )


def _of_images(rule: Raw) -> str:
    """What a rule does to images that may be in use, in words; empty where it leaves them be."""
    chosen: Raw = rule.get("selection") or {}
    of = {"untagged": "untagged images", "tagged": "images of some tags"}
    which = of.get(str(chosen.get("tagStatus")), "images")
    kind, number = str(chosen.get("countType", "")), chosen.get("countNumber")
    done = "archives" if (rule.get("action") or {}).get("type") == "transition" else "removes"
    if kind == "imageCountMoreThan":
        enough = isinstance(number, int) and number >= _FEW
        return "" if enough else f"{done} {which} but the last {number}"
    since = {"sinceImagePulled": "pull", "sinceImagePushed": "push"}.get(kind, "change")
    unit = str(chosen.get("countUnit") or "days")
    return f"{done} {which} {number} {unit} after their {since}"
