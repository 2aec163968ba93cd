"""IAM policies of Google Cloud, read: who is granted which role. Pure; nothing is asked here.

A policy that is read holds the grants on one thing. Folders, the organization, groups and deny
policies grant and refuse too, and are not seen: so a grant that is found counts, and one that is
not found is no proof of its absence.
https://cloud.google.com/iam/docs/policies
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kitaru_iac.checks.model import Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import ProbeError, Unavailable
from kitaru_iac.clouds.gcp.observations import Rights, Tested

__all__ = [
    "DENY_UNSEEN",
    "bindings_of",
    "evaluate_rights",
    "evaluate_tested",
    "evaluate_trust",
    "grants_to",
    "public_roles",
]

Raw = Mapping[str, Any]
PUBLIC = ("allUsers", "allAuthenticatedUsers")
DENY_UNSEEN = "deny policies were not looked at"
#: Roles whose holders can be the account, or get its tokens.
#: https://cloud.google.com/iam/docs/service-account-permissions
_BECOME = {
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.securityAdmin",
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountOpenIdTokenCreator",
    "roles/owner",
    "roles/editor",
}

#: Those that surely let a workload of a pool get them. A custom role may, by what it holds.
#: https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
_GET_TOKENS = {"roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser"}


def bindings_of(policy: Raw) -> list[Raw]:
    """The bindings of a policy.

    Raises:
        Unavailable: It is no policy: what is not understood grants nothing and refuses nothing.
    """
    found = policy.get("bindings", [])
    known = "etag" in policy or "version" in policy or "bindings" in policy
    if not known or not isinstance(found, list):
        raise Unavailable("what Google answered is no IAM policy")
    for one in found:
        if not isinstance(one, Mapping) or not isinstance(one.get("role"), str):
            raise Unavailable("what Google answered is no IAM policy")
    return found


def grants_to(policies: Iterable[Raw], members: Iterable[str]) -> dict[str, bool]:
    """The roles that policies grant to one of some members; whether without a condition."""
    wanted = {*members, *PUBLIC}
    found: dict[str, bool] = {}
    for policy in policies:
        for binding in bindings_of(policy):
            if wanted & set(map(str, binding.get("members") or ())):
                role = str(binding["role"])
                found[role] = found.get(role, False) or not binding.get("condition")
    return found


def public_roles(policy: Raw) -> tuple[str, ...]:
    """What a policy grants to everybody, as ``ROLE to MEMBER``."""
    return tuple(
        f"{binding['role']} to {member}"
        for binding in bindings_of(policy)
        for member in binding.get("members") or ()
        if member in PUBLIC
    )


def evaluate_tested(seen: Tested, what: str, grant: str) -> Verdict:
    """What Google itself says of the caller's permissions: the only way to a plain no.

    Args:
        seen: Google's answer.
        what: On what, for the words.
        grant: The command that grants what is missing.
    """
    if seen.missing:
        return fail(f"these credentials lack {', '.join(seen.missing)} on {what}", grant)
    if seen.unclear:
        return unknown(f"Google does not take a test of {', '.join(seen.unclear)} on {what}", grant)
    return ok(f"these credentials have all {len(seen.asked)} permissions on {what}")


def evaluate_rights(seen: Rights, wanted: Iterable[str], what: str, grant: str) -> Verdict:
    """Another identity's permissions, from policies: found is ok, not found is unknown.

    Args:
        seen: What was read.
        wanted: The permissions that it needs.
        what: On what, for the words.
        grant: The command that grants them.
    """
    asked = tuple(wanted)
    missing = [p for p in asked if p not in seen.granted]
    if not missing and asked:
        return ok(f"{seen.member} has {', '.join(seen.roles)} for {what}", DENY_UNSEEN)
    words = ", ".join(missing)
    under = [p for p in missing if p in seen.conditional]
    if under:
        return unknown(f"{seen.member} has {', '.join(under)} on {what} under a condition", grant)
    if seen.unseen:
        return _unseen(seen.unseen[0], f"no grant of {words} on {what} to {seen.member} was seen",
                       grant)  # fmt: skip
    return unknown(
        f"no policy that was read grants {words} on {what} to {seen.member}; a group, a folder or "
        "the organization may",
        grant,
    )


def evaluate_trust(policy: Raw, account: str, show: str, expected: Iterable[str] = ()) -> Verdict:
    """Who may become a service account by its own policy: nobody whom it does not name.

    Args:
        policy: Of the account.
        account: Its address.
        show: The command that shows the policy.
        expected: Members of whom one has to be there, where that is known.
    """
    public: list[str] = []
    perhaps: list[str] = []
    whole: list[str] = []
    named: set[str] = set()
    certain: set[str] = set()
    for binding in bindings_of(policy):
        role, condition = str(binding["role"]), binding.get("condition")
        if role not in _BECOME and not _is_custom(role):
            continue
        for member in map(str, binding.get("members") or ()):
            named.add(member)
            if role in _GET_TOKENS and not condition:
                certain.add(member)
            if member in PUBLIC:
                (perhaps if _is_custom(role) else public).append(f"{role} to {member}")
            elif _is_whole_pool(member) and not condition:
                whole.append(member)
    if public:
        return fail(f"everybody may become {account}: {', '.join(public)}", show)
    if perhaps:
        return unknown(
            f"everybody has a custom role on {account}, and what it holds was not looked at: "
            f"{', '.join(perhaps)}",
            show,
        )
    wanted = set(expected)
    if wanted and not _holds_one(named, wanted):
        return unknown(
            f"the policy of {account} names nobody of {', '.join(sorted(wanted))}; the project's "
            "may",
            show,
        )
    if wanted and not _holds_one(certain, wanted):
        return unknown(
            f"the policy of {account} names {', '.join(sorted(wanted))} only under a condition, or "
            "with a role that may not let it get tokens",
            show,
        )
    if whole:
        return warn(
            f"whoever has a token of the whole pool may become {account}: {', '.join(whole)}", show
        )
    who = f"{len(named)} members" if len(named) != 1 else next(iter(named))
    return ok(
        f"{who} may become it by its own policy" if named else "nobody may by its own policy",
        "what its project, folders and the organization grant was not looked at",
    )


def _is_whole_pool(member: str) -> bool:
    """Whether it is everybody of a pool, and not those of an attribute that ends so."""
    everybody = member.startswith("principalSet://") and member.endswith("/*")
    return everybody and "/attribute." not in member


def _is_custom(role: str) -> bool:
    """Whether what a role holds is its owner's to say: a project's own, or an organization's."""
    return role.startswith(("projects/", "organizations/"))


def _holds_one(members: Iterable[str], wanted: Collection[str]) -> bool:
    return any(_stands_for(member, one) for member in members for one in wanted)


def _stands_for(member: str, pool: str) -> bool:
    return member == pool or f"/{pool}/" in member or member.endswith(f"/{pool}")


def _unseen(error: ProbeError, why: str, grant: str) -> Verdict:
    remedy = error.remedy or grant
    return unknown(f"{why}, and not everything was: {error.why}", remedy, error.permission)
