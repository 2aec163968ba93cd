"""What the component registers, with the real SDK and Pulumi's own mocks of the engine."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi.runtime.stack import wait_for_rpcs
from pulumi_azure_native import containerregistry

from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.component import Infrastructure
from kitaru_iac.clouds.azure.provision.grants import Role
from kitaru_iac.clouds.azure.provision.kinds import KINDS
from kitaru_iac.clouds.azure.provision.layout import Known, layout
from kitaru_iac.clouds.azure.provision.program import physical_names
from kitaru_iac.clouds.programs import NAME
from kitaru_iac.clouds.provider import marks
from kitaru_iac.spec.model import StackSpec
from tests.clouds.azure.test_layout import (
    GROUP,
    REACHED,
    REGION,
    SUBSCRIPTION,
    aks,
    described,
    kubernetes,
)

TENANT = "t-1"
WHERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"


class _Azure(mocks.Mocks):
    """Gives every resource an id, and remembers its inputs."""

    def __init__(self, subscription: str | None = SUBSCRIPTION) -> None:
        self.made: dict[str, tuple[str, dict[str, Any]]] = {}
        self.subscription = subscription

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made[args.name] = (args.typ, args.inputs)
        outputs = {**args.inputs, "name": args.inputs.get("name", args.name)}
        outputs |= {"principalId": "who", "clientId": "c", "loginServer": "x.azurecr.io"}
        if "oidcIssuerProfile" in outputs:
            outputs["oidcIssuerProfile"] = {"enabled": True, "issuerURL": "https://issuer"}
        if identity := args.inputs.get("identity"):  # given as a list, and shown as a mapping
            users = {user: {"clientId": "c", "principalId": "who"}
                     for user in identity["userAssignedIdentities"]}  # fmt: skip
            outputs["identity"] = {**identity, "userAssignedIdentities": users}
        return f"id-of-{args.name}", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        assert args.token == "azure-native:authorization:getClientConfig"
        found = {"subscriptionId": self.subscription or "", "tenantId": TENANT}
        return {**found, "clientId": "c", "objectId": "o"}, []


@pytest.fixture
def run() -> Callable[..., _Azure]:
    """Run a program with one component, in this process; gives what was registered."""

    def build(args: Any, azure: _Azure | None = None) -> _Azure:
        return contextvars.Context().run(_run, args, azure or _Azure())

    return build


def _run(args: Any, azure: _Azure) -> _Azure:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(azure, project="kitaru", stack="prod")

        async def program() -> None:
            try:
                made = Infrastructure(NAME, args)
                await pulumi.Output.all(made.artifact_store, made.workspace).future()
            finally:  # what is under way belongs to this loop
                await wait_for_rpcs()

        loop.run_until_complete(program())
        return azure
    finally:
        loop.close()
        asyncio.set_event_loop_policy(None)  # others find a loop again


def whole(**more: Any) -> Any:
    return layout(described(**more), SUBSCRIPTION, REGION, tenant=TENANT).args()


def kinds(made: _Azure) -> list[str]:
    return sorted(token.rsplit(":", 1)[1] for token, _ in made.made.values())


def test_a_whole_stack(run: Callable[..., _Azure]) -> None:
    made = run(whole(resources={"group": "create"}, infrastructure={"tags": {"team": "ml"}})).made
    tags = {"team": "ml", **marks("kitaru", "prod")}
    for name, (token, inputs) in made.items():
        if token in KINDS:
            assert inputs["tags"] == tags, name
            assert inputs["location"] == REGION
    account = made["stack-account"][1]
    assert account["allowBlobPublicAccess"] is False
    assert account["allowSharedKeyAccess"] is False
    assert account["enableHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    blobs = made["stack-account-blobs"][1]
    assert blobs["isVersioningEnabled"] is True
    assert blobs["deleteRetentionPolicy"] == {"enabled": True, "days": 30}
    assert made["stack-registry"][1]["adminUserEnabled"] is False
    vault = made["stack-vault"][1]["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert vault["tenantId"] == TENANT
    assert "enablePurgeProtection" not in vault
    workspace = made["stack-workspace"][1]
    assert workspace["identity"]["type"] == "UserAssigned"
    assert workspace["systemDatastoresAuthMode"] == "Identity"
    for key, part in (("storageAccount", "account"), ("keyVault", "vault"),
                      ("applicationInsights", "insights"), ("containerRegistry", "registry"),
                      ("primaryUserAssignedIdentity", "identity")):  # fmt: skip
        assert workspace[key] == f"id-of-stack-{part}"


@pytest.mark.parametrize("keep", [True, False])
def test_what_azure_deletes_with_its_data_does_not_go_with_the_program(
    run: Callable[..., _Azure], monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    """A description that names another registry would else delete ours with its images."""
    made: list[pulumi.ResourceOptions] = []
    real = containerregistry.Registry

    def noted(name: str, *, opts: pulumi.ResourceOptions, **given: Any) -> object:
        made.append(opts)
        return real(name, opts=opts, **given)

    monkeypatch.setattr(containerregistry, "Registry", noted)
    run({**whole(), "keep_data": keep})
    assert [(opts.protect, opts.retain_on_delete) for opts in made] == [(keep, keep)]


def test_every_name_is_the_one_that_was_foreseen(run: Callable[..., _Azure]) -> None:
    planned = layout(described(), SUBSCRIPTION, REGION, tenant=TENANT)
    made = run(planned.args()).made
    for name, physical in physical_names(planned).items():
        token, inputs = made[name]
        if token in KINDS:
            assert inputs[KINDS[token].name] == physical
    assert made["stack-container"][1]["containerName"] == planned.new_container


def test_every_role_is_for_an_identity_under_a_name_that_stays(
    run: Callable[..., _Azure],
) -> None:
    def roles(made: _Azure) -> dict[str, dict[str, Any]]:
        return {n: i for n, (t, i) in made.made.items() if t.endswith(":RoleAssignment")}

    made = roles(run(whole()))
    assert len(made) == 10
    assert {one["principalType"] for one in made.values()} == {"ServicePrincipal"}
    assert {one["principalId"] for one in made.values()} == {"who"}
    assert len({one["roleAssignmentName"] for one in made.values()}) == 10
    assert roles(run(whole())) == made
    # One that is there already is known in a plan, and so is what it has where a state is lost.
    planned = layout(described(), SUBSCRIPTION, REGION, tenant=TENANT)
    planned = replace(planned, known=Known(principal="w"))
    there = roles(run(planned.args()))
    assert {one["principalId"] for one in there.values()} == {"w"}
    assert there.keys() == made.keys()
    vault = f"{WHERE}/Microsoft.KeyVault/vaults/{names.vault_name('prod', SUBSCRIPTION, GROUP)}"
    who = f"{WHERE}/Microsoft.ManagedIdentity/userAssignedIdentities/kitaru-prod"
    assert made["stack-identity-vault-key-vault-administrator"]["roleAssignmentName"] == (
        names.assignment_name(vault, Role.KEY_VAULT_ADMINISTRATOR.value, who)
    )


def test_what_exists_gets_the_roles_that_fit_it(run: Callable[..., _Azure]) -> None:
    spec = described(
        artifact_store="abfs://data@team12.dfs.core.windows.net",
        container_registry="images.azurecr.io",
    )
    known = Known(store_id="/store", images_id="/images", images_abac=True)
    planned = layout(spec, SUBSCRIPTION, REGION, tenant=TENANT)
    made = run(replace(planned, known=known).args()).made
    at = {inputs["scope"]: inputs["roleDefinitionId"].rsplit("/", 1)[1]
          for token, inputs in made.values() if token.endswith(":RoleAssignment")}  # fmt: skip
    assert at["/store"] == Role.BLOB_DATA_CONTRIBUTOR
    assert at["/images"] == Role.REPOSITORY_READER
    assert "stack-registry" not in made
    assert "containerRegistry" not in made["stack-workspace"][1]
    assert "stack-container" not in made
    assert "stack-account" in made


def test_the_nodes_of_a_cluster_are_let_at_what_is_made(run: Callable[..., _Azure]) -> None:
    planned = layout(kubernetes(), SUBSCRIPTION, REGION)
    planned = replace(planned, known=Known(principal="kubelet"))
    made = run({**planned.args(), "tenant": TENANT})
    assert kinds(made).count("RoleAssignment") == 3
    assert {i["principalId"] for t, i in made.made.values() if t.endswith("Assignment")} == {
        "kubelet"
    }


def test_a_new_cluster(run: Callable[..., _Azure]) -> None:
    planned = layout(aks(infrastructure={**REACHED, "nodes": 3}), SUBSCRIPTION, REGION)
    made = run({**planned.args(), "tenant": TENANT}).made
    inputs = made["stack-cluster"][1]
    assert inputs["disableLocalAccounts"] is False, "ZenML takes no other way in"
    assert inputs["apiServerAccessProfile"] == {
        "authorizedIPRanges": ["203.0.113.7/32"], "enablePrivateCluster": False,
    }  # fmt: skip
    assert inputs["identity"]["userAssignedIdentities"] == ["id-of-stack-control"]
    assert inputs["identityProfile"]["kubeletidentity"]["resourceId"] == "id-of-stack-nodes"
    assert inputs["oidcIssuerProfile"] == {"enabled": True}
    assert inputs["securityProfile"] == {"workloadIdentity": {"enabled": True}}
    assert inputs["sku"] == {"name": "Base", "tier": "Free"}
    (pool,) = inputs["agentPoolProfiles"]
    assert [pool[key] for key in ("minCount", "count", "maxCount", "vmSize")] == [
        1, 3, 3, "Standard_D4s_v5",
    ]  # fmt: skip
    for name in ("cluster", "control", "nodes", "pods"):
        assert made[f"stack-{name}"][1]["tags"] == marks("kitaru", "prod")
    pods = made["stack-pods-zenml-service-account"][1]
    assert pods["subject"] == "system:serviceaccount:default:zenml-service-account"
    assert (pods["resourceName"], pods["issuer"]) == ("kitaru-prod-pods", "https://issuer")
    for name, physical in physical_names(planned).items():
        if made[name][0] in KINDS:
            assert made[name][1][KINDS[made[name][0]].name] == physical
    private = layout(aks(infrastructure={"endpoint_access": []}), SUBSCRIPTION, REGION)
    alone = run({**private.args(), "tenant": TENANT}).made["stack-cluster"][1]
    assert alone["apiServerAccessProfile"] == {"enablePrivateCluster": True}, "not everybody"


def test_a_description_takes_the_subscription_of_the_provider(run: Callable[..., _Azure]) -> None:
    assert run(described()).made.keys() == run(whole()).made.keys()


@pytest.mark.parametrize(
    ("spec", "subscription", "text"),
    [
        (lambda: described(workspace="team-ml"), SUBSCRIPTION, "`principal`"),
        (lambda: described(container_registry="team.azurecr.io"), SUBSCRIPTION, "`images_id`"),
        (described, "other", "in subscription"),
        (described, None, "cannot be looked up"),
    ],
)
def test_what_a_program_cannot_make_is_said(
    run: Callable[..., _Azure], spec: Callable[[], StackSpec], subscription: str | None, text: str
) -> None:
    with pytest.raises(pulumi.RunError, match=text):
        run(spec(), _Azure(subscription))


ARGS = {
    "stack": "s", "type": "azureml", "region": REGION, "resource_group": GROUP,
    "subscription": SUBSCRIPTION, "tenant": TENANT, "new_container": "c", "new_workspace": "w",
}  # fmt: skip


def test_arguments_that_make_no_whole_are_refused(run: Callable[..., _Azure]) -> None:
    with pytest.raises(pulumi.RunError, match="needs a storage account of its own"):
        run(ARGS)


def test_names_of_a_workspace_s_parts_may_be_left_out(run: Callable[..., _Azure]) -> None:
    made = run({**ARGS, "new_account": "acc12"}).made
    assert made["stack-vault"][1]["vaultName"] == names.vault_name("s", SUBSCRIPTION, GROUP)
