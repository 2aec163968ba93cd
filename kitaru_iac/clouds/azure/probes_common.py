"""What every probe of Azure stands on: the token, the subscription, and what somebody may do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    in_batches,
)
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.decisions import Answer, allows
from kitaru_iac.clouds.azure.observations import (
    CustomerKey,
    Principal,
    Raw,
    Rights,
    Role,
    VaultKey,
    flag,
    known_text,
    moment,
    roles_in,
    subscription_of,
    text,
    within,
)
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.session import AzureAccess

__all__ = ["VERSIONS", "CommonProbes"]

S = TypeVar("S")
T = TypeVar("T")

_VAULTS = "Microsoft.KeyVault/vaults"
_ROLES = "/providers/Microsoft.Authorization"
_AUTHORIZATION = "2022-04-01"
#: The API versions that are asked for, by type in lower case.
VERSIONS = {
    "microsoft.resources": "2022-09-01",
    "microsoft.storage": "2023-05-01",
    "microsoft.containerregistry": "2025-11-01",
    "microsoft.machinelearningservices": "2024-10-01",
    "microsoft.containerservice": "2025-09-01",
    "microsoft.keyvault": "2023-07-01",
    "microsoft.insights": "2020-02-02",
}


class CommonProbes:
    """The token and the subscription of one run.

    Args:
        azure: Asks.
        resources: What is asked about.
    """

    def __init__(self, azure: AzureAccess, resources: AzureResources) -> None:
        self._azure = azure
        self._r = resources
        self.session = Probe("a token of Entra", azure.open, close=azure.close)
        self.subscription = Probe(
            "Microsoft.Resources/subscriptions/read",
            lambda _caller: self._subscription(),
            requires=(self.session,),
        )
        self._where = self._place()
        self.caller = Probe(
            "the caller",
            lambda caller: Principal(caller.object_id, caller.shown, True, caller.kind),
            requires=(self.session,),
            inline=True,
        )

    def _place(self) -> Probe[str]:
        """The subscription's path; looked up only where the description does not name it."""
        if self._r.subscription is not None:
            named = f"/subscriptions/{self._r.subscription}"
            return Probe(
                "the subscription", lambda _c: named, requires=(self.session,), inline=True
            )
        return Probe(
            "the subscription",
            lambda seen: known_text(seen, "id"),
            requires=(self.subscription,),
            inline=True,
        )

    def _below(self, name: str, run: Callable[[str], T]) -> Probe[T]:
        """A probe that is given the subscription's path."""
        return Probe(name, run, requires=(self._where,))

    def _subscription(self) -> Raw:
        version = VERSIONS["microsoft.resources"]
        if self._r.subscription is not None:
            path = f"/subscriptions/{self._r.subscription}"
            return self._azure.resource(path, version, about="the subscription")
        seen = self._azure.list("/subscriptions", version, about="the subscriptions")
        show = note(az("account", "list"), "name one as subscription_id")
        if not seen:
            raise Skipped("these credentials see no subscription", show)
        if len(seen) > 1:
            raise Skipped(
                f"the description names no subscription, and these credentials see {len(seen)}, "
                "among which ZenML does not choose",
                show,
            )
        return seen[0]

    def _require_full_view(self, where: str, action: str, what: str) -> None:
        """Refuse to call something absent from a listing that shows only what one may see.

        Raises:
            Denied: The caller may not see all of it in the subscription.
            ProbeError: It is not known whether they may.
        """
        path = f"{where}{_ROLES}/permissions"
        answer = self._azure.get(path, _AUTHORIZATION, about=f"the caller's rights on {where}")
        if allows(roles_in(answer, "value"), action, data=False) is not Answer.YES:
            raise Denied(
                f"{what} is not among those that these credentials see in the subscription, and "
                f"they may not see all: {action} is not theirs there",
                permission=action,
                resource=where,
            )

    def rights(self, what: str, scope: Probe[str], principal: Probe[Principal]) -> Probe[Rights]:
        """A probe of what somebody may do with a thing.

        Args:
            what: The thing, in words.
            scope: Gives its id.
            principal: Gives who.
        """

        def run(id: str, who: Principal, subscription: Outcome[Raw]) -> Rights:
            is_managed = (
                None
                if isinstance(subscription, ProbeError)
                else bool(within(subscription, "managedByTenants"))
            )
            if not who.is_caller:
                return Rights(who, id, self._roles(id, who, what), is_managed)
            return Rights(who, id, self._own(id, what), is_managed, self._limits(id, who, what))

        after = (self.subscription,)
        return Probe(f"the roles on {what}", run, requires=(scope, principal), after=after)

    def key_of(
        self, thing: Probe[S], named: Callable[[S], CustomerKey | None]
    ) -> Probe[VaultKey | None]:
        """A probe of the customer's key that encrypts a thing; None where Microsoft's own does.

        Args:
            thing: What is encrypted.
            named: Reads from it which key that is.
        """

        def run(where: str, seen: S) -> VaultKey | None:
            key = named(seen)
            return None if key is None else self._key(where, key)

        return Probe(f"{_VAULTS}/keys/read", run, requires=(self._where, thing))

    def _key(self, where: str, key: CustomerKey) -> VaultKey:
        """What Resource Manager tells of a key: not the vault itself, which few networks reach."""
        version = VERSIONS["microsoft.keyvault"]
        vaults = self._azure.list(
            f"{where}/providers/{_VAULTS}", version, about="the subscription's key vaults"
        )
        for vault in vaults:
            address = text(vault, "properties", "vaultUri") or ""
            if address.rstrip("/").lower() == key.vault:
                path = f"{known_text(vault, 'id')}/keys/{key.name}"
                if key.version is not None:
                    path += f"/versions/{key.version}"
                found = self._azure.resource(path, version, about=f"the key {key}")
                return _vault_key(found, time.time())
        raise Skipped(
            f"{key.vault} is not among the key vaults that these credentials see in the "
            "subscription",
            note(
                az("keyvault", "list", subscription=subscription_of(where)),
                "it may be another subscription's, or a managed HSM",
            ),
        )

    def _own(self, id: str, what: str) -> tuple[Role, ...]:
        """What the caller may do, whatever it is by, without the conditions of assignments."""
        path = f"{id}{_ROLES}/permissions"
        found: list[Role] = []
        for page in self._azure.list(path, _AUTHORIZATION, about=f"the caller's rights on {what}"):
            found += roles_in({"value": [page]}, "value")
        return tuple(found)

    def _limits(self, id: str, who: Principal, what: str) -> tuple[Role, ...] | None:
        """The caller's assigned roles, if one has a condition; None if that was not seen.

        Raises:
            NoCredentials: That is about everything.
        """
        try:
            conditions = self._conditions(id, who, what)
            is_limited = any(each for some in conditions.values() for each in some)
            return self._defined(conditions) if is_limited else ()
        except NoCredentials:
            raise
        except ProbeError:
            return None

    def _roles(self, id: str, who: Principal, what: str) -> tuple[Role, ...]:
        return self._defined(self._conditions(id, who, what))

    def _conditions(self, id: str, who: Principal, what: str) -> dict[str, list[str | None]]:
        """The roles that are assigned at a scope or above, with their assignments' conditions."""
        if who.object_id is None:
            raise Skipped(f"nobody told the object id of {who.name}", az("ad", "signed-in-user",
                          "show"))  # fmt: skip
        assigned = self._azure.list(
            f"{id}{_ROLES}/roleAssignments",
            _AUTHORIZATION,
            about=f"the role assignments of {who.name} on {what}",
            filter=f"assignedTo('{who.object_id}')",
        )
        conditions: dict[str, list[str | None]] = {}
        for one in assigned:
            at = known_text(one, "properties", "scope").rstrip("/").lower()
            if not _is_above(at, id.lower()):
                continue
            role = known_text(one, "properties", "roleDefinitionId")
            conditions.setdefault(role, []).append(text(one, "properties", "condition") or None)
        return conditions

    def _defined(self, conditions: dict[str, list[str | None]]) -> tuple[Role, ...]:
        def definition(role: str) -> tuple[Role, ...]:
            answer = self._azure.get(role, _AUTHORIZATION, about=f"the role {role}")
            under = None if None in conditions[role] else conditions[role][0]
            return roles_in(answer, "properties", "permissions", condition=under)

        return sum(in_batches(definition, conditions), ())


def _vault_key(raw: Raw, now: float) -> VaultKey:
    """Read a key. What Azure does with one outside its time it does not tell."""
    attributes = ("properties", "attributes")
    begins, ends = moment(raw, *attributes, "nbf"), moment(raw, *attributes, "exp")
    untimely = ""
    if ends is not None and ends <= now:
        untimely = f"has expired ({_day(ends)})"
    elif begins is not None and begins > now:
        untimely = f"is not valid before {_day(begins)}"
    return VaultKey(flag(raw, *attributes, "enabled"), untimely)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _is_above(at: str, scope: str) -> bool:
    """Whether an assignment holds at a scope; a listing has those below it too, which do not.

    Of management groups it has those alone that the subscription is in.
    """
    if not at or at.startswith("/providers/microsoft.management/managementgroups/"):
        return True
    return at == scope or scope.startswith(f"{at}/")
