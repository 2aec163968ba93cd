"""Whose what exists is, what it holds, and what is granted: `owned.txt` says what is right.

Azure's answers are data here, and what it is asked is told too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError, Unavailable
from kitaru_iac.clouds.azure import permissions as p
from kitaru_iac.clouds.azure import verify
from kitaru_iac.clouds.azure.observations import Caller, Principal
from kitaru_iac.clouds.azure.permission_table import Resource
from kitaru_iac.clouds.azure.provision import grants, holdings
from kitaru_iac.clouds.azure.provision import kinds as k
from kitaru_iac.clouds.azure.provision import ownership as o
from kitaru_iac.clouds.azure.provision.layout import Layout
from kitaru_iac.clouds.azure.provision.marked import claim_of, marked
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.provider import Claim, marks
from kitaru_iac.errors import DescriptionError, MissingPackages
from kitaru_iac.spec.kinds import StackType
from tests.clouds.azure.test_layout import aks, described, kubernetes, local, made
from tests.clouds.verdicts import Table, each

SUB, REGION = "00000000-1111-2222-3333-444444444444", "westeurope"
OWN = marks("kitaru", "prod")
THEIRS = {**OWN, "pulumi-stack": "dev"}
DENIED = Denied("403", permission="a/read")
GROUP = f"/subscriptions/{SUB}/resourceGroups/ml"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"


class Azure:
    """Answers by the end of the path. What is not given is not there."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def _answer(self, verb: str, path: str, version: str, about: str, more: Any) -> Any:
        said = f" with {more}" if more else ""
        self.asked.append(f"{verb} {path.removeprefix('/subscriptions')} {version}{said}: {about}")
        whole = path + version if verb == "blobs" else path
        keys = sorted((key for key in self.answers if whole.endswith(key)), key=len)
        found = self.answers[keys[-1]] if keys else NotFound("404")
        if isinstance(found, ProbeError):
            raise found
        return found(more) if callable(found) else found

    def resource(self, path: str, version: str, *, about: str) -> Any:
        return self._answer("resource", path, version, about, None)

    def get(self, path: str, version: str, *, about: str, **query: str) -> Any:
        return self._answer("get", path, version, about, query)

    def list(self, path: str, version: str, *, about: str, **query: str) -> Any:
        return self._answer("list", path, version, about, query)

    def question(self, path: str, version: str, body: Any, *, about: str) -> Any:
        return self._answer("question", path, version, about, body)

    def holds_blobs(self, account: str, container: str) -> bool:
        return bool(self._answer("blobs", account, f"/{container}", "asked", None))


def told(ask: Callable[[Any], Any], answers: Mapping[str, Any]) -> str:
    azure = Azure(answers)
    try:
        found = ask(azure)
    except ProbeError as error:
        found = f"{type(error).__name__}: {error.why} ({error.permission}, {error.resource})"
    return "\n".join([str(found), *azure.asked])


NAMED = {
    **dict.fromkeys({kind.name for kind in k.KINDS.values()}, "thing"),
    "resourceGroupName": "ml",
    "containerName": "c",
    "managementPolicyName": "default",
    "federatedIdentityCredentialResourceName": "zenml",
}


def sight(type_: str, answers: Mapping[str, Any], inputs: Any = NAMED, region: str | None = REGION
          ) -> Callable[[], str]:  # fmt: skip
    return lambda: told(lambda azure: o.sight(azure, SUB, type_, inputs, OWN, region), answers)


def there(tags: Any = OWN, location: str | None = REGION, **properties: Any) -> Any:
    return {"tags": tags, "location": location, "properties": properties}


ASSIGNED = {"roleAssignmentName": "r-1", "scope": ACCOUNT, "principalId": "P-1"}
OURS = {"/thing": there()}
ROLE = "/roleAssignments/r-1"
SIGHTS: dict[str, Callable[[], str]] = {
    **{f"{kind.noun}: ours": sight(type_, {"/thing": there(), "/ml": there()})
       for type_, kind in k.KINDS.items()},
    "account: none": sight(k.ACCOUNT, {}),
    "account: closed": sight(k.ACCOUNT, {"/thing": DENIED}),
    "account: no tags": sight(k.ACCOUNT, {"/thing": there(None)}),
    "account: another deployment's": sight(k.ACCOUNT, {"/thing": there(THEIRS)}),
    "account: tags in capitals": sight(
        k.ACCOUNT, {"/thing": there({key.upper(): value for key, value in OWN.items()})}
    ),
    "account: another region": sight(k.ACCOUNT, {"/thing": there(location="North Europe")}),
    "account: another region, not ours": sight(k.ACCOUNT, {"/thing": there(THEIRS, "northeurope")}),
    "account: any region": sight(k.ACCOUNT, {"/thing": there(location="northeurope")}, region=None),
    "account: no region told": sight(k.ACCOUNT, {"/thing": there(location=None)}),
    "account: not named": sight(k.ACCOUNT, OURS, {"resourceGroupName": "ml"}),
    "account: in no group": sight(k.ACCOUNT, OURS, {"accountName": "thing"}),
    "workspace: deleted": sight(k.WORKSPACE, {"/thing": there(provisioningState="SoftDeleted")}),
    "account: called deleted": sight(
        k.ACCOUNT, {"/thing": there(provisioningState="SoftDeleted")}
    ),
    "setting": sight("azure-native:x:Y", OURS),
    **{f"part: {noun}, ours": sight(type_, {**OURS, end: {}})
       for type_, noun, end in (
           (k.CONTAINER, "container", "/c"), (k.LIFECYCLE, "policy", "/default"),
           (k.FEDERATION, "federation", "/zenml"))},
    "part: of a strange account": sight(k.CONTAINER, {"/thing": there(None), "/c": {}}),
    "part: not there": sight(k.CONTAINER, OURS),
    "part: of nothing": sight(k.CONTAINER, {"/c": {}}),
    "part: not named": sight(
        k.CONTAINER, OURS, {"resourceGroupName": "ml", "accountName": "thing"}
    ),
    "role: ours": sight(k.ASSIGNMENT, {ROLE: {"properties": {"principalId": "p-1"}}}, ASSIGNED),
    "role: of another": sight(
        k.ASSIGNMENT, {ROLE: {"properties": {"principalId": "p-2"}}}, ASSIGNED
    ),
    "role: none": sight(k.ASSIGNMENT, {}, ASSIGNED),
    **{f"role: without {key}": sight(
        k.ASSIGNMENT, {ROLE: {"properties": {"principalId": "p-1"}}},
        {name: value for name, value in ASSIGNED.items() if name != key})
       for key in ASSIGNED},
}  # fmt: skip


def taken(token: str, answers: Mapping[str, Any], **more: Any) -> Callable[[], str]:
    inputs = {**NAMED, "type": token, "location": REGION, **more}
    return sight(o.NAME, answers, inputs)


FREE, USED = {"nameAvailable": True}, {"nameAvailable": False, "message": "it is in use"}
LISTED = "/deletedWorkspaces"
DELETED = {"name": "THING", "id": f"{GROUP.upper()}/providers/x/thing"}
NODES = {"resourceGroupName": "nodes", "managedBy": "pods", "of": "ml"}
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/pods"
VAULT = "/deletedVaults"
UNTIL = {"scheduledPurgeDate": "2026-12-01"}


def vault(name: str = "Thing", **properties: Any) -> Any:
    return {"name": name, "properties": {**UNTIL, **properties}}


ALL_FREE = {"/checkNameAvailability": FREE, VAULT: []}
NAMES: dict[str, Callable[[], str]] = {
    **{f"name: {k.KINDS[token].noun}, free": taken(token, ALL_FREE)
       for token in (k.ACCOUNT, k.REGISTRY, k.VAULT)},
    "name: used": taken(k.ACCOUNT, {"/checkNameAvailability": USED}),
    "name: used, for a reason": taken(
        k.ACCOUNT, {"/checkNameAvailability": {"nameAvailable": False, "reason": "AlreadyExists"}}
    ),
    "name: not said": taken(k.REGISTRY, {"/checkNameAvailability": {}}),
    "name: ours already": taken(k.ACCOUNT, {**OURS, "/checkNameAvailability": USED}),
    "name: closed": taken(k.ACCOUNT, {"/thing": DENIED}),
    "name: a deleted vault": taken(k.VAULT, {VAULT: [vault()]}),
    "name: a deleted vault, protected": taken(
        k.VAULT, {VAULT: [vault(purgeProtectionEnabled=True)]}
    ),
    "name: a deleted vault of this region": taken(k.VAULT, {VAULT: [vault(location=REGION)]}),
    "name: a deleted vault of another region": taken(
        k.VAULT, {VAULT: [vault("x"), vault(location="North Europe")]}
    ),
    "name: a deleted vault of another region, protected": taken(
        k.VAULT, {VAULT: [vault(location="northeurope", purgeProtectionEnabled=True)]}
    ),
    "name: another deleted vault": taken(
        k.VAULT, {VAULT: [vault("x")], "/checkNameAvailability": FREE}
    ),
    "name: a deleted workspace": taken(k.WORKSPACE, {LISTED: [DELETED]}),
    "name: a deleted workspace of another group": taken(
        k.WORKSPACE, {LISTED: [{**DELETED, "id": f"{GROUP}2/providers/x/thing"}]}
    ),
    "name: another deleted workspace": taken(k.WORKSPACE, {LISTED: [{**DELETED, "name": "x"}]}),
    "name: a deleted workspace without an id": taken(k.WORKSPACE, {LISTED: [{"name": "thing"}]}),
    "name: deleted workspaces not told": taken(k.WORKSPACE, {LISTED: DENIED}),
    "name: no credentials": taken(k.WORKSPACE, {LISTED: NoCredentials("expired")}),
    "name: a workspace that is there as deleted": taken(
        k.WORKSPACE, {"/thing": there(provisioningState="SoftDeleted")}
    ),
    "name: a workspace": taken(k.WORKSPACE, {"/thing": there(provisioningState="Succeeded")}),
    "nodes: none": taken(k.GROUP, {}, **NODES),
    "nodes: of the cluster": taken(
        k.GROUP, {"/nodes": {"managedBy": CLUSTER.upper()}}, **NODES
    ),
    "nodes: of another": taken(k.GROUP, {"/nodes": {"managedBy": f"{CLUSTER}2"}}, **NODES),
    "nodes: of nobody": taken(k.GROUP, {"/nodes": {}}, **NODES),
}  # fmt: skip


# -- what it holds ---------------------------------------------------------------------------------


def holds(type_: str, path: str, answers: Mapping[str, Any]) -> Callable[[], str]:
    def run() -> str:
        words = str(holdings.told(Azure(answers), type_, path))  # type: ignore[arg-type]
        found = told(lambda azure: holdings.contents(azure, type_, path), answers)
        return f"{words}\n{found}"

    return run


SHARES = "/fileServices/default/shares"
BLOBS = "/blobServices/default/containers"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/team"
USAGE = "/team/listUsages"
ALL_OF_IT = {"/permissions": [{"actions": ["*/read"]}]}


def part(kind: str, name: str, tags: Any = OWN, path: str | None = None) -> Any:
    return {
        "type": kind,
        "name": name,
        "tags": tags,
        "id": path or f"{GROUP}/providers/{kind}/{name}",
    }


def in_group(*parts: Any, tags: Any = OWN, **more: Any) -> Callable[[], str]:
    answers = {"/ml": {"tags": tags}, **ALL_OF_IT, "/resources": list(parts), **more}
    return holds(k.GROUP, GROUP, answers)


STORE = part("Microsoft.Storage/storageAccounts", "data")
IMAGES = part("Microsoft.ContainerRegistry/registries", "team")
MACHINE = "Microsoft.Compute/virtualMachines"
SMART = "Application Insights Smart Detection"
NOTHING = {f"/data{BLOBS}": [], f"/data{SHARES}": []}
HOLDS: dict[str, Callable[[], str]] = {
    "holds: nothing": holds(k.ACCOUNT, ACCOUNT, {BLOBS: [{"name": "a"}], "data/a": False,
                                                 SHARES: []}),
    "holds: blobs": holds(k.ACCOUNT, ACCOUNT, {
        BLOBS: [{"name": "gone"}, {"name": "a"}, {"name": "b"}], "data/a": False, "data/b": True}),
    "holds: files": holds(k.ACCOUNT, ACCOUNT, {
        BLOBS: [], SHARES: [{"name": "gone"}, {"name": "s"}, {"name": "t"}],
        f"{SHARES}/s": {"properties": {"shareUsageBytes": 0}},
        f"{SHARES}/t": {"properties": {"shareUsageBytes": 1}}}),
    "holds: files, or not": holds(k.ACCOUNT, ACCOUNT, {
        BLOBS: [], SHARES: [{"name": "s"}], f"{SHARES}/s": {}}),
    "holds: closed": holds(k.ACCOUNT, ACCOUNT, {BLOBS: DENIED}),
    "holds: gone": holds(k.ACCOUNT, ACCOUNT, {}),
    "holds: no images": holds(k.REGISTRY, REGISTRY, {USAGE: {"value": [
        {"name": "Webhooks", "currentValue": 3}, {"name": "Size", "currentValue": 0}]}}),
    "holds: images": holds(k.REGISTRY, REGISTRY, {USAGE: {"value": [
        {"name": "Size", "currentValue": 1}]}}),
    "holds: images, or not": holds(k.REGISTRY, REGISTRY, {USAGE: {"value": []}}),
    "holds: what has no data": holds(k.VAULT, f"{GROUP}/x", {}),
    "group: empty": in_group(),
    "group: ours without data": in_group(STORE, **NOTHING),
    "group: ours with data": in_group(
        part("Microsoft.KeyVault/vaults", "kv"), STORE, IMAGES,
        **{**NOTHING, USAGE: {"value": [{"name": "Size", "currentValue": 1}]}},
    ),
    "group: the first that holds data": in_group(
        IMAGES, STORE, **{USAGE: {"value": []}, f"/data{BLOBS}": DENIED}
    ),
    "group: others": in_group(*(part(MACHINE, name, None) for name in "abc")),
    "group: more others": in_group(*(part(MACHINE, name, None) for name in "abcde")),
    "group: another deployment's": in_group(
        part("Microsoft.Storage/storageAccounts", "data", THEIRS)
    ),
    "group: with inherited tags": in_group(part(MACHINE, "a")),
    "group: ours by tags in capitals": in_group(
        part("Microsoft.Storage/storageAccounts", "data",
             {key.upper(): value for key, value in OWN.items()}), **NOTHING
    ),
    "group: not marked": in_group(part("Microsoft.Storage/storageAccounts", "data", {}), tags={}),
    "group: marked in part": in_group(STORE, tags={"kitaru-stack": "prod"}, **NOTHING),
    "group: by-products": in_group(
        part("Microsoft.Insights/actionGroups", SMART, None),
        part("microsoft.alertsmanagement/smartDetectorAlertRules", "Failure Anomalies - x", None),
    ),
    "group: no by-products": in_group(
        part("Microsoft.Insights/actionGroups", "mine", None),
        part("microsoft.alertsmanagement/smartDetectorAlertRules", "mine", None),
        part("x/y", "failure anomalies - x", None), part("x/y", SMART, None),
    ),
    "group: seen in part": in_group(**{"/permissions": [{"actions": ["a/read"]}]}),
    "group: rights not told": in_group(**{"/permissions": DENIED}),
    "group: gone": holds(k.GROUP, GROUP, {}),
}  # fmt: skip


# -- what carries the marks ------------------------------------------------------------------------


def found(answers: Mapping[str, Any], named: tuple[Claim, ...] = ()) -> Callable[[], str]:
    return lambda: told(lambda azure: marked(azure, SUB, OWN, named), answers)


def one_by_one(**by_key: list[Any]) -> Callable[[Any], Any]:
    """A listing that depends on the mark that is asked for."""

    def answer(query: Any) -> Any:
        key = query["filter"].split("'")[1]
        return by_key.get(key.replace("-", "_"), by_key["others"])

    return answer


A_GROUP, ITS_NODES = {"id": GROUP}, {"id": f"{GROUP}-nodes", "managedBy": "x"}
A_STORE = {"id": ACCOUNT}
OF_NODES = {"id": f"{GROUP}-NODES/providers/Microsoft.Network/loadBalancers/lb"}
MANAGED = {"id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/m", "managedBy": "x"}
STRANGE = {"id": f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"}
MARKED: dict[str, Callable[[], str]] = {
    "marked: nothing": found({"/resourcegroups": [], "/resources": []}),
    "marked: all": found({
        "/resourcegroups": [A_GROUP, ITS_NODES],
        "/resources": [A_STORE, OF_NODES, MANAGED, STRANGE],
        "/data": there(), "/ml": there(),
    }),
    "marked: in part": found({
        "/resourcegroups": one_by_one(others=[A_GROUP], pulumi_project=[]),
        "/resources": one_by_one(others=[A_STORE, STRANGE], pulumi_stack=[STRANGE]),
        "/data": there(), "/ml": there(),
    }),
    "marked: resources closed": found(
        {"/resourcegroups": [A_GROUP], "/resources": DENIED, "/ml": there()}
    ),
    "marked: groups closed": found({"/resourcegroups": DENIED}),
    "marked: named": found(
        {"/resourcegroups": [], "/resources": [], "/data": there()},
        (Claim(k.ACCOUNT, {"resourceGroupName": "ml", "accountName": "data"}),),
    ),
    **each("id: {}", (
        "", "/resourceGroups/ml", "/resourcegroups/ML",
        "/resourceGroups/ml/providers/MICROSOFT.KEYVAULT/vaults/kv",
        "/resourceGroups/ml/providers/Microsoft.Compute/virtualMachines/vm",
        "/providers/Microsoft.Authorization/roleDefinitions/x",
    ), lambda path: str(claim_of(f"/subscriptions/{SUB}{path}"))),
}  # fmt: skip


# -- what is granted and needed --------------------------------------------------------------------


def claimed(layout: Layout) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{one.type} {json.dumps(dict(one.inputs))}" for one in o.claims(layout)
    )


def knowing(layout: Layout, **more: Any) -> Layout:
    return replace(layout, known=replace(layout.known, **more))


def granted(*given: grants.Grant) -> str:
    return ", ".join(f"{one.name} {one.role.value[:8]}" for one in given) or "nothing"


def for_cluster(**more: Any) -> Callable[[], str]:
    given = {"account": False, "registry": False, "store": False, "images": False, **more}
    return lambda: "\n".join(
        f"{use}: {granted(*mine)}" for use, mine in grants.for_cluster(**given).items()
    )


FULL = AzureResources(
    "prod", StackType.AZUREML, SUB, "ml", REGION, container="artifacts", account="data",
    registry="team-x1.azurecr.io", workspace="jobs",
)  # fmt: skip
AKS = replace(FULL, type=StackType.KUBERNETES, workspace=None, cluster="pods")
LITTLE = AzureResources("dev", StackType.LOCAL, container="artifacts")


def needs(r: AzureResources, **how: Any) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{identity.value} {row.resource} {row.when.name}: {row.action}"
        for identity in Identity
        for row in p.permissions_for(r, identity, **how)
    )


def scopes(r: AzureResources) -> Callable[[], str]:
    return lambda: "\n".join(f"{one}: {p.scope_of(one, r)}" for one in Resource)


def roles(identity: Identity) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{one}, {mode}: {p.built_in(identity, one, abac=mode)}"
        for one in Resource
        for mode in (None, False, True)
    )


def printed(spec: Any) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{name}: {json.dumps(document)}" for name, document in p.policies(spec).items()
    )


def laid_out(spec: Any) -> Callable[[], str]:
    """What is made and used, or all that is wrong."""

    def run() -> str:
        try:
            return str(made(spec))
        except DescriptionError as error:
            return "\n".join(map(str, error.problems))

    return run


NEW, NEW_CLUSTER = made(described()), made(aks())
THERE = {"store_id": "/the/store", "images_id": "/the/images"}
GRANTED: dict[str, Callable[[], str]] = {
    "layout: a workspace": laid_out(described()),
    "layout: a workspace beside a store": laid_out(
        described(artifact_store="abfs://artifacts@data.dfs.core.windows.net")
    ),
    "layout: a named workspace": laid_out(described(workspace="jobs")),
    "layout: a cluster": laid_out(aks()),
    "layout: a cluster that exists": laid_out(kubernetes()),
    "layout: a store": laid_out(local()),
    "layout: no cluster": laid_out(kubernetes(cluster=None)),
    "claims: a workspace": claimed(NEW),
    "claims: a workspace beside what exists": claimed(
        knowing(NEW, **THERE, images_abac=True, principal="p-1")
    ),
    "claims: a workspace beside a store": claimed(knowing(NEW, store_id="/the/store")),
    "claims: a cluster": claimed(NEW_CLUSTER),
    "claims: a cluster beside what exists": claimed(
        knowing(NEW_CLUSTER, **THERE, images_abac=False,
                principals={grants.Use.PODS: "p-1"})
    ),
    "claims: a store": claimed(made(local())),
    "claims: a group": claimed(replace(made(local()), new_group=True)),
    "grants: a workspace": lambda: granted(*grants.for_identity(registry=False)),
    "grants: a workspace and a registry": lambda: granted(*grants.for_identity(registry=True)),
    "grants: a workspace beside what exists": lambda: granted(
        *grants.for_identity(registry=False, store=True, images=True)
    ),
    "grants: a workspace beside old images": lambda: granted(
        *grants.for_identity(registry=False, images=True, abac=False)
    ),
    "grants: a workspace beside new images": lambda: granted(
        *grants.for_identity(registry=False, images=True, abac=True)
    ),
    "grants: a cluster": for_cluster(),
    "grants: a cluster, all new": for_cluster(account=True, registry=True),
    "grants: a cluster, all old": for_cluster(store=True, images=True, abac=True),
    "grants: a cluster, both": for_cluster(account=True, store=True, registry=True, images=True),
    "grants: somebody": lambda: granted(*grants.for_principal(account=True, registry=True)),
    "grants: somebody, a store": lambda: granted(
        *grants.for_principal(account=True, registry=False)
    ),
    "grants: somebody, images": lambda: granted(
        *grants.for_principal(account=False, registry=True)
    ),
    "role's id": lambda: grants.role_id(SUB, grants.Role.ACR_PULL),
    "needs: AzureML": needs(FULL),
    "needs: AzureML, a service principal": needs(FULL, implicit=False),
    "needs: AzureML, no account": needs(replace(FULL, account=None, group=None)),
    "needs: AzureML, no container": needs(replace(FULL, container=None, account=None)),
    "needs: AzureML, old images": needs(FULL, abac=False),
    "needs: AzureML, new images": needs(FULL, abac=True),
    "needs: AzureML, no registry": needs(replace(FULL, registry=None, workspace=None)),
    "needs: AzureML, of the registry": needs(FULL, resource=Resource.REGISTRY),
    "needs: AKS": needs(AKS),
    "needs: a local runner": needs(LITTLE),
    "scopes: all named": scopes(replace(FULL, cluster="pods")),
    "scopes: little named": scopes(LITTLE),
    **{f"roles: {identity.value}": roles(identity) for identity in Identity},
    "printed: AzureML": printed(described(
        artifact_store="abfs://artifacts@data.dfs.core.windows.net", workspace="jobs",
        container_registry="team.azurecr.io", infra=None,
    )),
    "makes anything": lambda: str(
        [made(one).makes_anything for one in (described(), aks(), local(), local(resources=None))]
    ),
    "printed: local": printed(local(infra=None, resources=None)),
}  # fmt: skip

TABLE = Table(
    Path(__file__).with_name("owned.txt"), {**SIGHTS, **NAMES, **HOLDS, **MARKED, **GRANTED}
)


@pytest.mark.parametrize("name", TABLE.cases)
def test_what_is_seen_and_granted_is_what_is_right(name: str) -> None:
    TABLE.judge(name)


def test_the_table_has_no_other_lines() -> None:
    TABLE.insist_on_all()


# -- which checks apply ----------------------------------------------------------------------------

SOMEBODY = "11111111-2222-3333-4444-AAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("caller", "is_caller"),
    [
        (Caller(SOMEBODY.lower()), True),
        (Caller(SOMEBODY), True),
        (Caller("else"), False),
        (Caller(None), False),
        (Unavailable("503"), False),
    ],
)
def test_an_identity_is_an_object_of_entra(caller: Any, is_caller: bool) -> None:
    probes: Any = SimpleNamespace(session=object())
    spec: Any = SimpleNamespace(credentials=None)
    probe = verify._connector(spec, probes, SOMEBODY, "https://z")
    assert probe.requires == (probes.session,)
    assert probe.run(caller) == Principal(SOMEBODY.lower(), SOMEBODY, is_caller)
    with pytest.raises(ProbeError, match="is no object id of Entra"):
        verify._connector(spec, probes, f"{SOMEBODY}0", None).run(caller)


@pytest.mark.parametrize(
    ("kind", "whose"),
    [
        (None, "its own Azure identity"),
        ("azure-managed-identity", "its own Azure identity"),
        ("azure-service-principal", None),
    ],
)
def test_only_what_a_server_is_by_itself_is_unseen(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, whose: str | None
) -> None:
    monkeypatch.setattr(verify, "unseen", lambda _spec, server, of: of and f"{server} {of}")
    credentials = None if kind is None else SimpleNamespace(kind=kind)
    spec: Any = SimpleNamespace(credentials=credentials)
    probes: Any = SimpleNamespace(session=object(), caller=object())
    probe: Any = verify._connector(spec, probes, None, "https://z")
    if whose is None:
        assert probe is probes.caller
        return
    assert probe.requires == (probes.session,)
    with pytest.raises(ProbeError) as refused:
        probe.run(Caller("x"))
    assert refused.value.why == f"https://z {whose}"
    assert refused.value.remedy == (
        "az account show  # run where the connector's identity is, or give --credentials"
    )


def test_azures_packages_have_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingPackages("no")

    monkeypatch.setattr(verify, "require_azure", missing)
    with pytest.raises(MissingPackages):
        verify.checks_for(local(infra=None, resources=None))


EVERYTHING: dict[str, Any] = {
    "artifact_store": "abfs://artifacts@data.dfs.core.windows.net",
    "container_registry": "team.azurecr.io",
    "infra": None,
}


@pytest.mark.parametrize(
    ("spec", "identity", "kinds", "subject"),
    [
        (described(**EVERYTHING, workspace="jobs"), None, "bucket registry workspace",
         "this process's own Azure credentials"),
        (described(**EVERYTHING, type="kubernetes", cluster="pods", connector="theirs"), None,
         "bucket registry cluster", "theirs"),
        (local(infra=None, resources=None, connector="theirs"), SOMEBODY, "bucket", SOMEBODY),
    ],
)  # fmt: skip
def test_only_what_is_described_is_looked_at(
    spec: Any, identity: str | None, kinds: str, subject: str
) -> None:
    checks = verify.checks_for(spec, identity=identity)
    found_ = [check.info.id.split(".")[1] for check in checks]
    assert found_[:3] == ["credentials", "subscription", "providers"]
    others = [one for one in found_[3:] if one not in {"connector", "resource_group"}]
    assert " ".join(dict.fromkeys(others)) == kinds
    connectors = {check.subject for check in checks if ".connector." in check.info.id}
    assert connectors == {subject}
