"""Checking the region of a description, by the shape that its cloud gives regions."""

from __future__ import annotations

import re

from kitaru_iac.spec.clouds import VOCABULARIES, cloud_of_region
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.spec.suggest import distance_at_most_one, suggest

__all__ = ["check_region"]


def check_region(region: str, cloud: Cloud, *, zones: bool = False) -> str:
    """Check a region by its shape.

    Args:
        region: What was written.
        cloud: Whose region it has to be.
        zones: Whether a zone will do where the cloud knows clusters in one, as GKE does.

    Returns:
        The region.

    Raises:
        Refusal: It does not look like a region of this cloud, or is one letter off a known one.
    """
    regions = VOCABULARIES[cloud].regions
    if regions.shape.fullmatch(region):
        if near := _one_letter_off(region, cloud):
            raise Refusal(
                f"region {shown(region)} is none of {cloud.label}",
                remedy=f"Did you mean `{near}`?",
            )
        return region
    if regions.zone is not None and (zone := regions.zone.fullmatch(region)):
        if zones and regions.zone_is_location:
            return region
        raise Refusal(
            f"{shown(region)} is {regions.zone_noun}, not a region",
            remedy=f"Write `{zone['region']}`.",
        )
    raise Refusal(
        f"{shown(region)} is not the name of {VOCABULARIES[cloud].article} {cloud.label} region",
        why=_why(region, cloud),
        remedy=_remedy(region, cloud),
    )


def _one_letter_off(region: str, cloud: Cloud) -> str | None:
    regions = VOCABULARIES[cloud].regions
    if regions.stem is None or region in regions.known:
        return None
    mine = regions.stem(region)
    known = [(regions.stem(name), name) for name in regions.known]
    if len(mine) < 4 or any(mine == other for other, _ in known):
        return None
    near = [name for other, name in known if distance_at_most_one(mine, other)]
    return suggest(region, near) or (near[0] if near else None)


def _why(region: str, cloud: Cloud) -> str:
    other = cloud_of_region(region)
    if other and other is not cloud:
        return f"it is one of {other.label}"
    return f"they look like `{VOCABULARIES[cloud].regions.example}`"


def _remedy(region: str, cloud: Cloud) -> str | None:
    # `West Europe` is Azure's name for people, `eu_west_1` that of some SDKs.
    bare = re.sub(r"[^a-z0-9]", "", region.casefold())
    for name in VOCABULARIES[cloud].regions.known:
        if bare == name.replace("-", ""):
            return f"Did you mean `{name}`?"
    found = suggest(region, VOCABULARIES[cloud].regions.known)
    return f"Did you mean `{found}`?" if found else None
