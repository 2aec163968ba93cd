"""Every verdict on Azure, whole, as data decides it: `verdicts.txt` says what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import ClusterRight, Use, rights_for
from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.model import Verdict
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import ARM, PodSettings
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, Skipped, Unavailable
from kitaru_iac.checks.pull_secrets import ForeignPull, Puller, SeenSecrets
from kitaru_iac.clouds.azure import verify_bucket as b
from kitaru_iac.clouds.azure import verify_cluster as c
from kitaru_iac.clouds.azure import verify_compute as vc
from kitaru_iac.clouds.azure import verify_identity as i
from kitaru_iac.clouds.azure import verify_key as k
from kitaru_iac.clouds.azure import verify_registry as g
from kitaru_iac.clouds.azure import verify_workspace as w
from kitaru_iac.clouds.azure.explain import checklist
from kitaru_iac.clouds.azure.kubernetes_api import ClusterApi
from kitaru_iac.clouds.azure.observations import (
    Account,
    Attached,
    Caller,
    Container,
    Found,
    Principal,
    Registry,
    Rights,
    Role,
    VaultKey,
)
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.verify_pods import ServiceAccounts
from kitaru_iac.spec.kinds import StackType
from tests.clouds.verdicts import Table, each, texts, ways

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
R = AzureResources(
    "prod", StackType.AZUREML, SUBSCRIPTION, "ml", "westeurope", container="artifacts",
    account="teamdata", registry="team-x1.azurecr.io", workspace="team-ml",
)  # fmt: skip
AKS = replace(R, type=StackType.KUBERNETES, workspace=None, cluster="pods", rights=rights_for({}))
FOREIGN = ForeignPull("ghcr.io/team", (Puller("pods", "default", ("login",)),))
LOCAL = replace(R, type=StackType.LOCAL, group=None, workspace=None)
UNNAMED = replace(R, account=None)
LITTLE = AzureResources("dev", StackType.AZUREML, registry="team.azurecr.io", container="artifacts")
AT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ml/providers"
DENIED = Denied("it is denied", "ask somebody", permission="a/read")
AWAY = Unavailable("it took too long", "wait")
GONE = NotFound("it is gone")
ME = Principal("object-id", "me", is_caller=True, kind="User")
OTHER = Principal("other-id", "somebody")


def account(**properties: Any) -> Account:
    raw = {"location": "westeurope", "properties": properties}
    return Account(f"{AT}/Microsoft.Storage/storageAccounts/teamdata", "teamdata", raw)


def container(level: str | None = None, of: str = "teamdata") -> Container:
    raw = {"id": "/the/container", "properties": {"publicAccess": level}}
    return Container(replace(account(), name=of), raw)


ONE, TWO = container(), container(of="otherdata")


def found(found: Any, touched: Any = None, r: AzureResources = R) -> Callable[[], Verdict]:
    return lambda: b.evaluate_found(found, touched, r)


def public(level: Any, **properties: Any) -> Callable[[], Verdict]:
    seen = container(level) if level is None or isinstance(level, str) else level
    return lambda: b.evaluate_public_access(account(**properties), seen)


def tls(https: Any, version: Any) -> Callable[[], Verdict]:
    seen = account(supportsHttpsTrafficOnly=https, minimumTlsVersion=version)
    return lambda: b.evaluate_tls(seen)


def network(public: Any, default: Any = None) -> Callable[[], Verdict]:
    seen = account(publicNetworkAccess=public, networkAcls={"defaultAction": default})
    return lambda: b.evaluate_network(seen)


def versions(blobs: Any, containers: Any) -> Callable[[], Verdict]:
    service = {
        "properties": {
            "deleteRetentionPolicy": {"enabled": blobs},
            "containerDeleteRetentionPolicy": {"enabled": containers},
        }
    }
    return lambda: b.evaluate_versioning(account(), service)


def reachable(
    seen: Any, who: Any = ME, r: AzureResources = R, at: Any = ONE
) -> Callable[[], Verdict]:
    return lambda: b.evaluate_reachable(seen, who, at, r)


def registry(**properties: Any) -> Registry:
    raw = {"properties": properties}
    return Registry(f"{AT}/Microsoft.ContainerRegistry/registries/team", "team", raw)


def images(public: Any, default: Any = None, anonymous: Any = None) -> Callable[[], Verdict]:
    rules = {"defaultAction": default} if default else None
    seen = registry(
        publicNetworkAccess=public, networkRuleSet=rules, anonymousPullEnabled=anonymous
    )
    return lambda: g.evaluate_network(seen)


MODES = {True: "AbacRepositoryPermissions", False: "LegacyRegistryPermissions", None: None}
PULLS = Role(actions=("Microsoft.ContainerRegistry/registries/pull/read",))
READS = Role(data_actions=("Microsoft.ContainerRegistry/registries/repositories/*/read",))


def pulling(abac: bool | None, *roles: Role, identity: Identity = Identity.PULL
            ) -> Callable[[], Verdict]:  # fmt: skip
    seen = registry(roleAssignmentMode=MODES[abac])
    held = Rights(OTHER, "/the/registry", roles)
    return lambda: g.evaluate_registry_rights(seen, held, identity, R)


def cluster(**properties: Any) -> dict[str, Any]:
    kind = "Microsoft.ContainerService/managedClusters"
    return {"id": f"{AT}/{kind}/pods", "location": "westeurope", "properties": properties}


CREATE_JOBS = ClusterRight(Use.RUN, "create", "jobs", "batch")
PATCH_CRON_JOBS = ClusterRight(Use.SCHEDULE, "patch", "cronjobs", "batch")


def state(state: Any, power: Any = "Running") -> Callable[[], Verdict]:
    seen = cluster(provisioningState=state, powerState={"code": power})
    return lambda: c.evaluate_cluster(seen)


LINUX = {
    "osType": "Linux",
    "vmSize": "Standard_D4s_v5",
    "provisioningState": "Succeeded",
    "powerState": {"code": "Running"},
}
ANY = (PodSettings(),)
TOLERANT = PodSettings(tolerations=(("team", "Equal", "x", ""),))


def pool(**more: Any) -> dict[str, Any]:
    return {"name": "one", **LINUX, **more}


def size(machine: str | None, **more: Any) -> dict[str, Any]:
    return pool(count=1, vmSize=machine, **more)


def compute(*pools: Any, mode: str | None = None, pods: Any = ANY, **more: Any
            ) -> Callable[[], Verdict]:  # fmt: skip
    made = {"agentPoolProfiles": list(pools)} if pools else {}
    provisioning = {"nodeProvisioningProfile": {"mode": mode, **more} if mode else None}
    seen = cluster(**{**(more if mode is None else {}), **provisioning, **made})
    return lambda: vc.evaluate_compute(seen, tuple(pods))


def asking(*selectors: tuple[str, str], **more: Any) -> PodSettings:
    return PodSettings(selectors, **more)


OFFERED = (
    {"version": "1.34", "isPreview": True},
    {"version": "1.33", "capabilities": {"supportPlan": ["KubernetesOfficial", "Other"]}},
    {"version": "1.32", "isDefault": True},
    {"version": "1.30", "capabilities": {"supportPlan": ["AKSLongTermSupport"]}},
)


def version(current: str | None, asked: str | None = None) -> Callable[[], Verdict]:
    seen = cluster(currentKubernetesVersion=current, kubernetesVersion=asked)
    return lambda: vc.evaluate_version(seen, OFFERED)


VAULT = "https://Team.vault.azure.net"
OF_VAULT: dict[str, Any] = {
    "keySource": "Microsoft.Keyvault",
    "keyvaultproperties": {"keyvaulturi": f"{VAULT}/", "keyname": "data", "keyversion": ""},
}


def encrypted(encryption: Any, key: Any = None, scope: Any = None) -> Callable[[], Verdict]:
    held = scope
    if scope is None or isinstance(scope, str):
        held = Container(account(), {"properties": {"defaultEncryptionScope": scope}})
    return lambda: k.evaluate_account_key(account(encryption=encryption), key, held)


def of_vault(**more: Any) -> dict[str, Any]:
    return {**OF_VAULT, "keyvaultproperties": {**OF_VAULT["keyvaultproperties"], **more}}


def images_encrypted(status: Any, key: Any = None, tier: str | None = "Premium", **named: Any
                     ) -> Callable[[], Verdict]:  # fmt: skip
    held = registry(encryption={"status": status, "keyVaultProperties": named or None})
    seen = replace(held, raw={**held.raw, "sku": {"name": tier}})
    return lambda: k.evaluate_registry_key(seen, key)


WORKS = VaultKey(True)


def api(reached: Any, *ranges: str, fqdn: str | None = "x.azmk8s.io", **more: Any
        ) -> Callable[[], Verdict]:  # fmt: skip
    access = {"authorizedIPRanges": list(ranges), **more} if ranges or more else None
    seen = cluster(fqdn=fqdn, apiServerAccessProfile=access)
    return lambda: c.evaluate_reachable(seen, reached)


def workloads(issuer: Any, identity: Any) -> Callable[[], Verdict]:
    seen = cluster(
        oidcIssuerProfile={"enabled": issuer},
        securityProfile={"workloadIdentity": {"enabled": identity}},
    )
    return lambda: c.evaluate_workload_identity(seen)


def workspace(kind: Any = "Default", identity: Any = None, **properties: Any) -> dict[str, Any]:
    path = f"{AT}/Microsoft.MachineLearningServices/workspaces/team-ml"
    made = {"id": path, "name": "team-ml", "location": "westeurope", "kind": kind}
    return {**made, "identity": identity, "properties": properties}


ALL = tuple(
    Attached(name, f"/{name}")
    for name in ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
)


def attached(**other: Any) -> Callable[[], Verdict]:
    """What a workspace stands on, but for these: None for no id, or why it was not seen."""
    seen = tuple(
        replace(one, id=None)
        if other.get(one.name, "") is None
        else replace(one, error=other.get(one.name))
        for one in ALL
    )
    return lambda: w.evaluate_attached(workspace(), seen)


def is_who(identity: Any, primary: str | None = None) -> Callable[[], Verdict]:
    seen = workspace(identity=identity, primaryUserAssignedIdentity=primary)
    return lambda: w.evaluate_identity(seen)


def jobs(public: Any, isolation: Any = None, **more: Any) -> Callable[[], Verdict]:
    managed = {"isolationMode": isolation} if isolation else None
    seen = workspace(publicNetworkAccess=public, managedNetwork=managed, **more)
    return lambda: w.evaluate_network(seen)


def subscription(state: Any, name: str | None = "Team") -> Callable[[], Verdict]:
    seen = {"subscriptionId": SUBSCRIPTION, "state": state, "displayName": name}
    return lambda: i.evaluate_subscription(seen, ME)


def hidden(who: Any, remedy: str | None = "name one") -> Callable[[], Verdict]:
    return lambda: i.evaluate_subscription(Skipped("there are two", remedy), who)


def providers(*states: Any) -> Callable[[], Verdict]:
    seen = {
        f"Microsoft.P{n}": {"registrationState": one} if isinstance(one, str) else one
        for n, one in enumerate(states)
    }
    return lambda: i.evaluate_providers(seen, R)


PLACE = {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ml", "location": "westeurope"}


def group(state: Any) -> Callable[[], Verdict]:
    seen = {**PLACE, "name": "ml", "properties": {"provisioningState": state}}
    return lambda: i.evaluate_group(seen)


USER = "/x/userAssignedIdentities/Jobs"
VERDICTS: dict[str, Callable[[], Verdict]] = {
    "credentials: a user": lambda: i.evaluate_caller(Caller("id", "tenant", "me@x", "User")),
    "credentials: no tenant": lambda: i.evaluate_caller(Caller("id")),
    "credentials: nobody": lambda: i.evaluate_caller(Caller(None, "tenant", "app")),
    **{
        f"subscription: {s}": subscription(s)
        for s in ("Enabled", "Warned", "PastDue", "Disabled", "Deleted", "Expired", "Odd", None)
    },
    "subscription: no name": subscription("Enabled", None),
    "subscription: hidden from the connector": hidden(ME),
    "subscription: hidden from the connector, no remedy": hidden(ME, None),
    "subscription: hidden from somebody else": hidden(OTHER),
    "subscription: hidden, connector unseen": hidden(AWAY),
    "providers: all": providers("Registered", "Registered"),
    **{
        f"providers: {s}": providers("Registered", s)
        for s in ("NotRegistered", "Unregistered", "Unregistering", "Registering", "Odd")
    },
    "providers: two under way": providers("Registering", "Registering"),
    "providers: not known": providers(DENIED, GONE),
    "providers: unseen": providers(Unavailable("503"), DENIED, "Registering"),
    "providers: denied": providers("Registering", DENIED),
    "providers: off, and unseen": providers(DENIED, "NotRegistered"),
    **{f"group: {s}": group(s) for s in ("Succeeded", "Deleting", "Odd", None)},
    "container: in the account": found(Found((ONE,), 1)),
    "container: in the only account": found(Found((ONE,), 1), r=UNNAMED),
    "container: in one of two": found(Found((ONE,), 2), r=UNNAMED),
    "container: in one of the named": found(Found((ONE,), 2)),
    "container: in two": found(Found((ONE, TWO), 3, (DENIED,)), r=UNNAMED),
    "container: one unseen": found(Found((ONE,), 2, (DENIED, AWAY)), r=UNNAMED),
    "container: all unseen": found(Found((), 2, (DENIED,)), r=UNNAMED),
    "container: all unseen, but it answers": found(Found((), 2, (DENIED,)), r=UNNAMED),
    "container: unseen, and answers": found(Found((), 1, (DENIED,))),
    "container: unseen, and does not answer": found(Found((), 1, (DENIED,)), AWAY),
    "container: not there": found(Found((), 1), AWAY),
    "container: nowhere": found(Found((), 2), AWAY, UNNAMED),
    "container: answers alone": found(DENIED),
    "container: answers, and no account": found(GONE),
    "account region: same": lambda: b.evaluate_region(account(), "West Europe"),
    "account region: another": lambda: b.evaluate_region(account(), "northeurope"),
    "account region: not told": lambda: b.evaluate_region(
        replace(account(), raw={"location": ""}), "northeurope"
    ),
    "public: forbidden": public("Blob", allowBlobPublicAccess=False),
    "public: forbidden, unseen": public(DENIED, allowBlobPublicAccess=False),
    "public: blobs": public("Blob", allowBlobPublicAccess=True),
    "public: all": public("Container", allowBlobPublicAccess=True),
    "public: not this one": public("None", allowBlobPublicAccess=True),
    "public: nothing said of it": public(None, allowBlobPublicAccess=True),
    "public: unseen": public(DENIED, allowBlobPublicAccess=True),
    "public: not told": public("Blob"),
    "public: not told, and unseen": public(DENIED),
    "TLS: 1.2": tls(True, "TLS1_2"),
    "TLS: 1.3": tls(True, "TLS1_3"),
    "TLS: 1.1": tls(True, "TLS1_1"),
    "TLS: not told": tls(True, None),
    "TLS: not needed": tls(False, "TLS1_2"),
    "TLS: needed, or not": tls(None, "TLS1_2"),
    "keys: off": lambda: b.evaluate_shared_keys(account(allowSharedKeyAccess=False)),
    "keys: on": lambda: b.evaluate_shared_keys(account(allowSharedKeyAccess=True)),
    "keys: not told": lambda: b.evaluate_shared_keys(account()),
    "encrypted: by Microsoft": encrypted({"keySource": "Microsoft.Storage"}),
    "encrypted: by Microsoft, in the account's scope": encrypted(
        {"keySource": "Microsoft.Storage"}, scope="$account-encryption-key"
    ),
    "encrypted: in a scope": encrypted({"keySource": "Microsoft.Storage"}, scope="team"),
    "encrypted: container unseen": encrypted({"keySource": "Microsoft.Storage"}, scope=DENIED),
    "encrypted: not told": encrypted(None),
    "encrypted: odd": encrypted({"keySource": "Odd"}),
    "encrypted: a key": encrypted(OF_VAULT, WORKS),
    "encrypted: a pinned key": encrypted(of_vault(keyversion="7"), WORKS),
    "encrypted: the version in use": encrypted(
        of_vault(currentVersionedKeyIdentifier=f"{VAULT}/keys/data/8"), WORKS
    ),
    "encrypted: a key, in a scope": encrypted(OF_VAULT, WORKS, "team"),
    "encrypted: a disabled key": encrypted(OF_VAULT, VaultKey(False, "has expired (2026-01-01)")),
    "encrypted: an expired key": encrypted(OF_VAULT, VaultKey(True, "has expired (2026-01-01)")),
    "encrypted: a key of which nothing is told": encrypted(OF_VAULT, VaultKey(None)),
    "encrypted: a key that nobody read": encrypted(OF_VAULT),
    "encrypted: a key unseen": encrypted(OF_VAULT, DENIED),
    "encrypted: a key elsewhere": encrypted(OF_VAULT, Skipped("it is another's")),
    "network: open": network("Enabled", "Allow"),
    "network: some": network("Enabled", "Deny"),
    "network: closed": network("Disabled", "Allow"),
    "network: perimeter": network("SecuredByPerimeter", "Allow"),
    "network: rules not told": network("Enabled"),
    "network: not told": network(None, "Allow"),
    "versions: both": versions(True, True),
    "versions: blobs": versions(True, False),
    "versions: containers": versions(None, True),
    "versions: none": versions(False, None),
    "blobs: answer": reachable(None),
    "blobs: refused": reachable(DENIED),
    "blobs: refused, no object": reachable(DENIED, replace(ME, object_id=None)),
    "blobs: refused to somebody else": reachable(DENIED, OTHER),
    "blobs: refused to nobody": reachable(DENIED, AWAY, replace(R, subscription=None)),
    "blobs: refused, and the container was not seen": reachable(DENIED, at=DENIED),
    "blobs: refused in an account that is not named": reachable(DENIED, r=UNNAMED, at=AWAY),
    "blobs: unseen": reachable(AWAY),
    "blobs: unseen, no account": reachable(AWAY, r=UNNAMED),
    **each(
        "registry: {}",
        ("Succeeded", "Creating", "Updating", "Failed", "Canceled", "Deleting", "Odd", None),
        lambda s: g.evaluate_registry(registry(provisioningState=s)),
    ),
    **each(
        "admin: {}", (False, True, None), lambda on: g.evaluate_admin(registry(adminUserEnabled=on))
    ),
    "registry network: open": images("Enabled", "Allow", False),
    "registry network: open, no rules": images("Enabled"),
    "registry network: everybody pulls": images("Disabled", None, True),
    "registry network: some": images("Enabled", "Deny"),
    "registry network: closed": images("Disabled"),
    "registry network: odd rules": images("Enabled", "Odd"),
    "registry network: not told": images(None, "Allow"),
    **each(
        "roles: {}",
        (False, True, None),
        lambda mode: g.evaluate_roles(registry(roleAssignmentMode=MODES[mode])),
    ),
    "images encrypted: by Microsoft": images_encrypted("disabled"),
    "images encrypted: not told": images_encrypted(None),
    "images encrypted: not told of a registry that takes no key": images_encrypted(
        None, tier="Standard"
    ),
    "images encrypted: odd": images_encrypted("odd", tier="Basic"),
    "images encrypted: a key": images_encrypted(
        "enabled", WORKS, keyIdentifier=f"{VAULT}/keys/images"
    ),
    "images encrypted: the version in use": images_encrypted(
        *("enabled", WORKS),
        keyIdentifier=f"{VAULT}/keys/images",
        versionedKeyIdentifier=f"{VAULT}/keys/images/9",
    ),
    "images encrypted: a disabled key": images_encrypted(
        "enabled", VaultKey(False), keyIdentifier=f"{VAULT}/keys/images"
    ),
    "pull: by AcrPull": pulling(False, PULLS),
    "pull: by AcrPull in vain": pulling(True, PULLS),
    "pull: by AcrPull, perhaps": pulling(None, PULLS),
    "pull: on repositories": pulling(True, READS),
    "pull: on repositories in vain": pulling(False, READS),
    "pull: on repositories, perhaps": pulling(None, READS),
    "pull: both ways": pulling(None, PULLS, READS),
    "pull: neither": pulling(None),
    "push: neither": pulling(False, identity=Identity.CONNECTOR),
    "cluster: stopped": state("Succeeded", "Stopped"),
    "cluster: no power told": state("Succeeded", None),
    **{
        f"cluster: {s}": state(s)
        for s in (
            "Succeeded",
            "Failed",
            "Canceled",
            "Deleting",
            "Creating",
            "Updating",
            "Upgrading",
            "Scaling",
            "Starting",
            "Stopping",
            "RotatingClusterCertificates",
            "ReconcilingClusterETCDCertificates",
            "Odd",
            None,
        )
    },
    "cluster: updating, no power told": state("Updating", None),
    **each(
        "local accounts: off is {}",
        (True, False, None),
        lambda off: c.evaluate_local_accounts(cluster(disableLocalAccounts=off)),
    ),
    "version: offered": version("1.33.5"),
    "version: as asked for": version(None, "1.32"),
    "version: long-term": version("1.30.14"),
    "version: a preview": version("1.34.0"),
    "version: older than all": version("1.9.11"),
    "version: newer than all": version("1.35.0"),
    "version: between": version("1.31.0"),
    "version: not told": version(None),
    **{
        f"inside: {rights}, {'by Entra' if by_entra else 'as a user of its own'}": partial(
            c.evaluate_inside, denied, by_entra, "ml"
        )
        for by_entra in (False, True)
        for rights, denied in {
            "all": (),
            "but jobs and cron jobs": (CREATE_JOBS, PATCH_CRON_JOBS),
            "but cron jobs": (PATCH_CRON_JOBS,),
        }.items()
    },
    "nodes: not told": compute(),
    "nodes: automatic": compute(mode="Auto"),
    "nodes: automatic, and a zone": compute(
        mode="Auto", pods=(asking(("topology.kubernetes.io/zone", "westeurope-1")),)
    ),
    "nodes: automatic, and a label": compute(mode="Auto", pods=(asking(("team", "ml")),)),
    "nodes: automatic without pools": compute(mode="Auto", defaultNodePools="None"),
    "nodes: by hand": compute(mode="Manual"),
    "nodes: one": compute(pool(count=1), {**pool(count=1), "name": "two"}),
    "nodes: system not told": compute(pool(count=1, osType=None)),
    "nodes: state not told": compute(pool(count=1, provisioningState=None, powerState=None)),
    "nodes: machines not told": compute(size(None)),
    "nodes: nothing told": compute({"name": "one", "count": 2}),
    "nodes: none": compute(pool(count=0)),
    "nodes: none, automatic": compute(pool(count=0), mode="Auto"),
    "nodes: none, automatic, and a label": compute(
        pool(count=0), mode="Auto", pods=(asking(("team", "ml")),)
    ),
    "nodes: grows": compute(pool(count=0, enableAutoScaling=True, maxCount=1)),
    "nodes: would not grow": compute(pool(count=0, enableAutoScaling=False, maxCount=1)),
    "nodes: grows to none": compute(pool(count=0, enableAutoScaling=True, maxCount=0)),
    "nodes: grows, or not": compute(pool(enableAutoScaling=True)),
    "nodes: grows by an odd number": compute(pool(count=0, enableAutoScaling=True, maxCount=True)),
    "nodes: Windows": compute(pool(count=1, osType="Windows")),
    "nodes: stopped": compute(pool(count=1, powerState={"code": "Stopped"})),
    "nodes: a gateway": compute(pool(count=1, mode="Gateway")),
    "nodes: running, but how many": compute(pool()),
    "nodes: some told": compute(pool(count=0), {"name": "two"}),
    "nodes: an odd number": compute(pool(count=True)),
    "nodes: Windows, not told": compute(pool(osType="Windows")),
    **each(
        "nodes: {}",
        ("Updating", "Upgrading", "Creating", "Starting", "Failed", "Deleting", "Stopping", "Odd"),
        lambda s: compute(pool(count=1, provisioningState=s))(),
    ),
    "nodes: a taint": compute(pool(count=1, nodeTaints=["team=x:NoSchedule"])),
    "nodes: a taint that pods tolerate": compute(
        pool(count=1, nodeTaints=["team=x:NoSchedule"]), pods=(TOLERANT,)
    ),
    "nodes: a taint that steps alone tolerate": compute(
        pool(count=1, nodeTaints=["team=x:NoSchedule"]), pods=(TOLERANT, PodSettings())
    ),
    "nodes: a taint of another value": compute(
        pool(count=1, nodeTaints=["team=x:NoSchedule", "team=y:NoExecute"]), pods=(TOLERANT,)
    ),
    "nodes: a taint without a value": compute(
        pool(count=1, nodeTaints=["CriticalAddonsOnly:NoSchedule"])
    ),
    "nodes: a taint that prefers others": compute(
        pool(count=1, nodeTaints=["team=x:PreferNoSchedule"])
    ),
    "nodes: a tainted system pool beside": compute(
        pool(count=1, mode="System", nodeTaints=["CriticalAddonsOnly=true:NoSchedule"]),
        {**pool(count=1), "name": "two"},
    ),
    "nodes: spot": compute(pool(count=1, scaleSetPriority="Spot")),
    "nodes: spot, as asked": compute(
        pool(count=1, scaleSetPriority="Spot"),
        pods=(
            asking(
                ("kubernetes.azure.com/scalesetpriority", "spot"),
                tolerations=(("kubernetes.azure.com/scalesetpriority", "Exists", "", ""),),
            ),
        ),
    ),
    "nodes: not spot": compute(
        pool(count=1), pods=(asking(("kubernetes.azure.com/scalesetpriority", "spot")),)
    ),
    **each(
        "nodes: {}",
        (
            *("Standard_D4ps_v5", "standard_b2pts_v2", "Standard_E16-8pds_v6"),
            *("Standard_ND128isr_NDR_GB200_v6", "Standard_NP10s", "Standard_HB120-16rs_v3"),
            *("Standard_D4ads_v5", "Standard_NC24ads_A100_v4"),
        ),
        lambda machine: compute(size(machine))(),
    ),
    "nodes: ARM, as asked": compute(size("Standard_D4ps_v5"), pods=(asking(ARM),)),
    "nodes: x86, and ARM asked": compute(pool(count=1), pods=(asking(ARM),)),
    "nodes: a label": compute(
        pool(count=1, nodeLabels={"team": "ml"}), pods=(asking(("team", "ml")),)
    ),
    "nodes: no label": compute(pool(count=1), pods=(asking(("team", "ml")),)),
    "nodes: their pool": compute(
        pool(count=1),
        pods=(asking(("agentpool", "one"), ("kubernetes.azure.com/agentpool", "one")),),
    ),
    "nodes: a label of AKS's": compute(
        pool(count=1), pods=(asking(("kubernetes.azure.com/os-sku", "Ubuntu")),)
    ),
    "nodes: a GPU, as asked": compute(
        size("Standard_NC24ads_A100_v4", nodeTaints=["nvidia.com/gpu=present:NoSchedule"]),
        pods=(asking(resources=("nvidia.com/gpu",)),),
    ),
    "nodes: a GPU that is not told": compute(
        pool(count=1), pods=(asking(resources=("nvidia.com/gpu",)),)
    ),
    "nodes: automatic, and a GPU": compute(
        mode="Auto", pods=(asking(resources=("nvidia.com/gpu",)),)
    ),
    "nodes: virtual ones": compute(
        pool(count=0), addonProfiles={"aciConnectorLinux": {"enabled": True}}
    ),
    "nodes: virtual ones, as asked": compute(
        pool(count=0),
        addonProfiles={"aciConnectorLinux": {"enabled": True}},
        pods=(asking(tolerations=(("virtual-kubelet.io/provider", "Exists", "", ""),)),),
    ),
    "API: not told": api(True, fqdn=None),
    "API: open": api(True),
    "API: private": api(True, enablePrivateCluster=True),
    "API: private, not reached": api(False, enablePrivateCluster=True),
    "API: private, unseen": api(AWAY, enablePrivateCluster=True),
    "API: some": api(True, "192.0.2.0/24", "198.51.100.1/32", enablePrivateCluster=False),
    "API: some, not reached": api(False, "192.0.2.0/24"),
    "API: some, unseen": api(AWAY, "192.0.2.0/24"),
    "API: everybody": api(True, "0.0.0.0/0"),
    "API: everybody, and some": api(True, "192.0.2.0/24", "0.0.0.0/0", "198.51.100.1/32"),
    "API: two ranges, not reached": api(False, "192.0.2.0/24", "198.51.100.1/32"),
    "API: no ranges": api(True, enablePrivateCluster=False),
    "API: nonsense": api(True, "x", "y"),
    "workloads: both": workloads(True, True),
    "workloads: no issuer": workloads(False, True),
    "workloads: no identity": workloads(True, False),
    "workloads: not told": workloads(None, None),
    **each(
        "workspace: {}",
        (
            "Succeeded",
            "Creating",
            "Updating",
            "Unknown",
            "Failed",
            "Canceled",
            "Deleting",
            "SoftDeleted",
            "Odd",
            None,
        ),
        lambda s: w.evaluate_workspace(workspace(provisioningState=s)),
    ),
    **each(
        "kind: {}",
        ("Default", "Hub", "Project", "FeatureStore", "Odd", None),
        lambda k: w.evaluate_kind(workspace(k)),
    ),
    "kind: of old": lambda: w.evaluate_kind(workspace(v1LegacyMode=True)),
    "kind: not of old": lambda: w.evaluate_kind(workspace(v1LegacyMode=False)),
    "attached: all": attached(),
    "attached: no registry yet": attached(containerRegistry=None),
    "attached: no logs": attached(applicationInsights=None),
    "attached: no vault": attached(keyVault=None),
    "attached: a vault is gone": attached(keyVault=GONE, storageAccount=DENIED),
    "attached: a vault unseen": attached(keyVault=DENIED, applicationInsights=None),
    "identity: none": is_who(None),
    "identity: said to be none": is_who({"type": "None"}),
    "identity: Azure's": is_who({"type": "SystemAssigned", "principalId": "x"}),
    "identity: its own": is_who(
        {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}, USER.upper()
    ),
    "identity: not its own": is_who({"type": "UserAssigned", "userAssignedIdentities": {}}, USER),
    "identity: none listed": is_who({"type": "UserAssigned", "principalId": "x"}, USER),
    "identity: which": is_who({"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}),
    "jobs: open": jobs("Enabled"),
    "jobs: no isolation": jobs("Enabled", "Disabled"),
    "jobs: internet": jobs("Enabled", "AllowInternetOutbound"),
    "jobs: open to all, as told": jobs("Enabled", networkAcls={"defaultAction": "Allow"}),
    "jobs: open to all, without a list": jobs("Enabled", ipAllowlist=[]),
    "jobs: some addresses": jobs("Enabled", networkAcls={"defaultAction": "Deny"}),
    "jobs: some addresses, by a list": jobs("Enabled", ipAllowlist=["192.0.2.0/24"]),
    "jobs: odd addresses": jobs("Enabled", networkAcls={"defaultAction": "Odd"}),
    "jobs: private": jobs("Disabled", "AllowOnlyApprovedOutbound"),
    "jobs: approved": jobs("Enabled", "AllowOnlyApprovedOutbound"),
    "jobs: odd": jobs("Enabled", "Odd"),
    "jobs: not told": jobs(None),
}

#: What is called on probes to get another one.
METHODS = {"denied", "provider", "pull_secrets", "rights", "rights_on_registry"}


def _held(*given: Any) -> Rights:
    """No roles at a scope, of whom the last probe tells."""
    *_, who = given
    return Rights(who, f"/of/{given[0]}" if isinstance(given[0], str) else "/the/registry", ())


SEEN: dict[str, Any] = {
    "session": Caller("object-id", name="me", kind="User"),
    "caller": ME,
    "subscription": {"subscriptionId": SUBSCRIPTION, "state": "Enabled"},
    "provider": lambda name: {"registrationState": "Registered"},
    "group": {**PLACE, "name": "ml", "properties": {}},
    "found": Found((ONE,), 1),
    "touched": None,
    "account": account(encryption={"keySource": "Microsoft.Storage"}),
    "account_key": None,
    "container": ONE,
    "service": {"properties": {}},
    "registry": registry(roleAssignmentMode=MODES[False], encryption={"status": "disabled"}),
    "registry_key": None,
    "rights": _held,
    "rights_on_registry": _held,
    "workspace": workspace(),
    "workspace_id": "/the/workspace",
    "workspace_identity": OTHER,
    "attached": ALL,
    "cluster": cluster(fqdn="x.azmk8s.io"),
    "cluster_id": "/the/cluster",
    "versions": OFFERED,
    "endpoint": True,
    "kubelet": OTHER,
    "inside": ClusterApi(KubernetesApi("https://x.azmk8s.io", None, "", 1), by_entra=False),
    "namespace": "ml",
    "denied": (),
    "service_accounts": ServiceAccounts({"runs": {"metadata": {"name": "runs"}}}, {"runs": ()}),
    "pull_secrets": SeenSecrets({}, {"login": True}),
}


def told(make: Callable[..., Any], r: AzureResources, **other: Any) -> Callable[[], str]:
    def checks(probes: Any) -> Any:
        return make(checklist(probes, r), probes, r, probes.caller, "the connector")

    return lambda: ways(checks, METHODS, {**SEEN, **other})


def credentials(made: Any, probes: Any, r: Any, who: Any, subject: str) -> Any:
    return i.credential_checks(made, probes, r, subject, who)


LISTS: dict[str, Callable[[], str]] = {
    "list: credentials": told(credentials, R),
    "list: credentials on AKS": told(credentials, AKS),
    "list: credentials alone": told(credentials, replace(LITTLE, registry=None, container=None)),
    "list: credentials, no place": told(credentials, replace(R, location=None, workspace=None)),
    "list: container": told(b.bucket_checks, R),
    "list: container of an account that is not named": told(
        b.bucket_checks, replace(UNNAMED, location=None)
    ),
    "list: container that answers alone": told(b.bucket_checks, R, found=DENIED),
    "list: container that is slow": told(b.bucket_checks, R, touched=AWAY),
    "list: container that is skipped": told(b.bucket_checks, R, touched=Skipped("no account")),
    "list: registry": told(partial(g.registry_checks, implicit=False), R),
    "list: registry of a local runner": told(partial(g.registry_checks, implicit=True), LOCAL),
    "list: cluster": told(c.cluster_checks, AKS),
    "list: cluster, no more": told(
        c.cluster_checks, replace(AKS, location=None, registry=None, subscription=None)
    ),
    "list: cluster, and what stands in it": told(
        c.cluster_checks,
        replace(
            AKS,
            location=None,
            registry=None,
            namespace="ml",
            pod_accounts=("runs",),
            rights=(),
            foreign=FOREIGN,
        ),
    ),
    "list: workspace": told(w.workspace_checks, R),
    "list: workspace, no more": told(
        w.workspace_checks, replace(R, location=None, registry=None, subscription=None)
    ),
}


TABLE = Table(Path(__file__).with_name("verdicts.txt"), {**texts(VERDICTS), **LISTS})


@pytest.mark.parametrize("name", TABLE.cases)
def test_what_is_said_is_what_is_right(name: str) -> None:
    TABLE.judge(name)


def test_the_table_has_no_other_lines() -> None:
    TABLE.insist_on_all()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentials("expired", "log in"), "fail: expired\nremedy: log in"),
        (NoCredentials("expired"), "fail: expired\nremedy: az login"),
        (Unavailable("503"), "unknown: not looked at: 503\nremedy: az account show"),
    ],
)
def test_credentials_fail_where_entra_does_not_take_them(error: Any, said: str) -> None:
    found = told(credentials, LITTLE, session=error)().splitlines()
    assert "\n".join(found[1:3]) == said


@pytest.mark.parametrize(
    ("r", "names"),
    [
        (R, "Storage ContainerRegistry MachineLearningServices KeyVault Insights"),
        (AKS, "Storage ContainerRegistry ContainerService"),
        (replace(LITTLE, container=None), "ContainerRegistry"),
    ],
)
def test_providers_are_those_of_what_the_stack_has(r: AzureResources, names: str) -> None:
    assert i.namespaces(r) == tuple(f"Microsoft.{name}" for name in names.split())
