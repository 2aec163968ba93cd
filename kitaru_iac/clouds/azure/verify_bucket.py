"""The evaluations about the artifact store's container and its storage account."""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import (
    Denied,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    all_of,
)
from kitaru_iac.clouds.azure.commands import assign, az, of
from kitaru_iac.clouds.azure.explain import About
from kitaru_iac.clouds.azure.observations import (
    Account,
    Container,
    Found,
    Principal,
    Raw,
    VaultKey,
    flag,
    text,
)
from kitaru_iac.clouds.azure.permission_table import Resource, When
from kitaru_iac.clouds.azure.permissions import permissions_for, scope_of
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import AzureResources, location_of
from kitaru_iac.clouds.azure.verify_identity import access_check
from kitaru_iac.clouds.azure.verify_key import evaluate_account_key

__all__ = [
    "bucket_checks",
    "evaluate_found",
    "evaluate_network",
    "evaluate_public_access",
    "evaluate_reachable",
    "evaluate_region",
    "evaluate_shared_keys",
    "evaluate_tls",
    "evaluate_versioning",
]

_DAYS = 7


def bucket_checks(
    checklist: Checklist[Principal],
    probes: AzureProbes,
    r: AzureResources,
    connector: Probe[Principal],
    subject: str,
) -> list[Check[object]]:
    """The checks of the container that the description names.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is.
        subject: The same in words.
    """
    uri = f"az://{r.container}"
    create = _create(r)
    about = About(checklist, uri, create)
    about.add(
        "azure.bucket.exists",
        _existence(probes),
        lambda seen: evaluate_found(*seen, r),
        absent=create,
    )
    _add_settings(about, probes, r)
    about.add(
        "azure.bucket.reachable",
        _answered(probes, connector),
        lambda seen: evaluate_reachable(*seen, r),
        absent=create,
    )
    at_account: Probe[str] = Probe(
        "the account's id", lambda c: c.account.id, requires=(probes.container,), inline=True
    )
    at_container: Probe[str] = Probe(
        "the container's id", lambda c: c.id, requires=(probes.container,), inline=True
    )
    rows = partial(permissions_for, r, Identity.CONNECTOR)
    on_account = probes.rights("the account", at_account, connector)
    # A listing of the subscription shows what one may read of it: a role on the account is enough.
    listed = tuple(row for row in rows(Resource.SUBSCRIPTION) if row.when is When.UNNAMED)
    about.made.append(
        access_check(
            checklist,
            "azure.connector.bucket_access",
            subject,
            [
                (on_account, rows(Resource.ACCOUNT)),
                (probes.rights("the container", at_container, connector), rows(Resource.CONTAINER)),
                (on_account, listed),
            ],
            create,
        )
    )
    return about.made


def _add_settings(about: About, probes: AzureProbes, r: AzureResources) -> None:
    """How the account and the container are set up."""
    if r.location is not None:
        location = r.location
        about.add(
            "azure.bucket.region", probes.account, lambda seen: evaluate_region(seen, location)
        )
    about.add(
        "azure.bucket.public_access",
        all_of(probes.account, after=(probes.container,)),
        lambda seen: evaluate_public_access(*seen),
    )
    about.add("azure.bucket.tls", probes.account, evaluate_tls)
    about.add(
        "azure.bucket.encryption",
        _encryption(probes),
        lambda seen: evaluate_account_key(*seen),
    )
    about.add("azure.bucket.shared_keys", probes.account, evaluate_shared_keys)
    about.add("azure.bucket.network", probes.account, evaluate_network)
    about.add(
        "azure.bucket.versioning",
        all_of(probes.account, probes.service),
        lambda seen: evaluate_versioning(*seen),
    )


def _create(r: AzureResources) -> str:
    return az(
        "storage",
        "container",
        "create",
        name=r.container,
        account_name=r.account or "ACCOUNT",
        auth_mode="login",
        subscription=r.subscription,
    )


def _existence(probes: AzureProbes) -> Probe[tuple[Outcome[Found], Outcome[None]]]:
    """What Resource Manager says, with Blob Storage's own answer where that one refuses."""

    def run(found: Outcome[Found], touched: Outcome[None]) -> tuple[Outcome[Found], Outcome[None]]:
        if isinstance(found, ProbeError) and isinstance(touched, ProbeError):
            raise found
        return found, touched

    return Probe(probes.found.name, run, after=(probes.found, probes.touched), inline=True)


def _encryption(
    probes: AzureProbes,
) -> Probe[tuple[Account, Outcome[VaultKey | None], Outcome[Container]]]:
    """What encrypts the account, and whether the container has something of its own."""
    return Probe(
        "the account's encryption",
        lambda account, key, container: (account, key, container),
        requires=(probes.account,),
        after=(probes.account_key, probes.container),
        inline=True,
    )


def _answered(
    probes: AzureProbes, connector: Probe[Principal]
) -> Probe[tuple[Outcome[None], Outcome[Principal], Outcome[Container]]]:
    """Blob Storage's answer; a refusal is one about the connector if that is who asked."""

    def run(
        seen: Outcome[None], who: Outcome[Principal], container: Outcome[Container]
    ) -> tuple[Outcome[None], Outcome[Principal], Outcome[Container]]:
        if isinstance(seen, ProbeError) and not isinstance(seen, Denied | Skipped):
            raise seen
        return seen, who, container

    after = (probes.touched, connector, probes.container)
    return Probe(probes.touched.name, run, after=after, inline=True)


def _update(account: Account, **options: str) -> str:
    words = [
        word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)
    ]
    return az("storage", "account", "update", *words, **of(account.id))


def evaluate_found(found: Outcome[Found], touched: Outcome[None], r: AzureResources) -> Verdict:
    """One account has it, and no other could: ZenML takes the first that it finds."""
    show = az("storage", "account", "list", subscription=r.subscription)
    name_it = note(show, f"name the account: abfs://{r.container}@ACCOUNT.dfs.core.windows.net")
    if isinstance(found, ProbeError):
        if isinstance(found, NotFound):
            return unknown(
                f"Blob Storage answers about it, but {found.why}: its settings cannot be seen", show
            )
        return ok(f"Blob Storage answers about it ({found.why})")
    names = ", ".join(one.account.name for one in found.containers)
    if len(found.containers) > 1:
        return fail(
            f"{len(found.containers)} storage accounts have a container {r.container}: {names}; "
            "ZenML takes the first that it finds",
            name_it,
        )
    if found.containers and not found.unseen:
        if found.accounts == 1 or r.account is not None:
            return ok(f"it is in the storage account {names}")
        return warn(
            f"it is in the storage account {names} alone; ZenML asks each of the {found.accounts} "
            "accounts of the subscription until it finds it, and gives up at one that it may not "
            "read",
            name_it,
        )
    if found.unseen and touched is None and r.account is not None:
        return ok(f"Blob Storage answers about it ({found.unseen[0].why})")
    if found.unseen:
        first = found.unseen[0]
        return unknown(
            f"it is in {names}, and whether another account has a container of this name could not "
            f"be seen: {first.why}"
            if names
            else f"not found, and not all could be looked at: {first.why}",
            name_it if names or r.account is None else show,
            first.permission,
        )
    where = r.account or f"any of the {found.accounts} storage accounts of the subscription"
    return fail(f"there is no container {r.container} in {where}", _create(r))


def evaluate_region(account: Account, location: str) -> Verdict:
    """Where it is, against where the stack runs."""
    where = text(account.raw, "location")
    show = az("storage", "account", "show", **of(account.id))
    if not where:
        return unknown(f"Azure does not say where {account.name} is", show)
    if location_of(where) == location_of(location):
        return ok(f"{account.name} is in {where}")
    return warn(
        f"{account.name} is in {where}, and the stack in {location}: reading and writing is slower "
        "and costs traffic",
        note(show, f"use an account in {location}"),
    )


def evaluate_public_access(account: Account, container: Outcome[Container]) -> Verdict:
    """The account's switch; without it, whether the container itself is open."""
    allowed = flag(account.raw, "properties", "allowBlobPublicAccess")
    off = _update(account, allow_blob_public_access="false")
    if allowed is False:
        return ok(f"{account.name} allows no anonymous access")
    # https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-prevent: what is not set
    # meant yes for accounts of before the end of 2023.
    says = (
        f"{account.name} allows its containers to be made public"
        if allowed
        else f"{account.name} does not say that it allows no anonymous access"
    )
    if isinstance(container, ProbeError):
        return unknown(
            f"{says}; whether this one is public could not be seen: {container.why}",
            off,
            container.permission,
        )
    level = text(container.raw, "properties", "publicAccess")
    if level not in {"Blob", "Container"}:
        return warn(says, off)
    if allowed:
        return fail(
            f"everybody can read what is in it (its public access is {level}, and "
            f"{account.name} allows that)",
            off,
        )
    return unknown(
        f"its public access is {level}, and {account.name} does not say whether it allows that", off
    )


def evaluate_tls(account: Account) -> Verdict:
    """HTTPS alone, and no outdated TLS."""
    https = flag(account.raw, "properties", "supportsHttpsTrafficOnly")
    version = text(account.raw, "properties", "minimumTlsVersion")
    if https is True and version in {"TLS1_2", "TLS1_3"}:
        return ok(f"{account.name} takes {version} at least")
    remedy = _update(account, https_only="true", min_tls_version="TLS1_2")
    if https is False:
        return warn(f"{account.name} answers over plain HTTP too", remedy)
    if https is None:
        return unknown(f"{account.name} does not say whether it answers over plain HTTP", remedy)
    # What is not set means TLS 1.0.
    return warn(f"{account.name} takes connections from {version or 'TLS1_0'} on", remedy)


def evaluate_shared_keys(account: Account) -> Verdict:
    """Off. What is not set means on, as Azure documents."""
    if flag(account.raw, "properties", "allowSharedKeyAccess") is False:
        return ok(f"the keys of {account.name} are off")
    return warn(
        f"the keys of {account.name} open all of it, whatever its roles say",
        note(_update(account, allow_shared_key_access="false"), "see first who still uses a key"),
    )


def evaluate_network(account: Account) -> Verdict:
    """Whether every network is let in; who of a few is, cannot be seen."""
    public = text(account.raw, "properties", "publicNetworkAccess")
    default = text(account.raw, "properties", "networkAcls", "defaultAction")
    show = az("storage", "account", "network-rule", "list", **of(account.id, "account_name"))
    if public in {"Disabled", "SecuredByPerimeter"}:
        return unknown(
            f"{account.name} is closed to public networks ({public}); whether the steps, ZenML's "
            "server and its clients are in its private ones cannot be seen",
            show,
        )
    if default == "Deny":
        return unknown(
            f"the firewall of {account.name} lets some networks in; whether those of the steps, "
            "ZenML's server and its clients are among them cannot be seen",
            show,
        )
    if public == "Enabled" and default == "Allow":
        return ok(f"{account.name} is open to all networks, and its roles decide")
    return unknown(f"{account.name} does not say which networks it lets in", show)


def evaluate_versioning(account: Account, service: Raw) -> Verdict:
    """Soft delete of both: versions alone go with their container."""
    lacking = [
        words
        for key, words in (
            ("deleteRetentionPolicy", "blobs"),
            ("containerDeleteRetentionPolicy", "containers"),
        )
        if flag(service, "properties", key, "enabled") is not True
    ]
    if not lacking:
        return ok("deleted blobs and containers are kept for a while")
    return warn(
        f"deleted {' and '.join(lacking)} are gone for good",
        az(
            "storage",
            "account",
            "blob-service-properties",
            "update",
            **of(account.id, "account_name"),
            enable_delete_retention="true",
            delete_retention_days=str(_DAYS),
            enable_container_delete_retention="true",
            container_delete_retention_days=str(_DAYS),
        ),
    )


def evaluate_reachable(
    seen: Outcome[None],
    connector: Outcome[Principal],
    container: Outcome[Container],
    r: AzureResources,
) -> Verdict:
    """An answer, or why there is none: the firewall, or a role that the connector may not lack.

    Args:
        seen: The answer.
        connector: Who that is.
        container: It, whose id the description does not tell.
        r: What the description names.
    """
    if isinstance(seen, Denied):
        who = connector if isinstance(connector, Principal) and connector.is_caller else None
        remedy = assign(
            who.object_id if who else None,
            "Storage Blob Data Contributor",
            container.id if isinstance(container, Container) else scope_of(Resource.CONTAINER, r),
            who.kind if who else None,
        )
        return fail(seen.why, remedy) if who else unknown(seen.why, remedy, seen.permission)
    if isinstance(seen, ProbeError):
        return unknown(
            seen.why,
            az(
                "storage",
                "account",
                "show",
                name=r.account or "ACCOUNT",
                subscription=r.subscription,
            ),
        )
    return ok("it answers this machine with these credentials")
