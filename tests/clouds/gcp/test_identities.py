"""Whose permissions count, and how each kind of credentials gets its token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kitaru_iac.checks.model import CheckStatus
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

OK, WARN, FAIL, UNKNOWN = CheckStatus


def test_impersonation_ends_as_the_account_that_is_named(world: World) -> None:
    world.fit()
    target = world.gcp.service_account("runner")
    credentials = f"gcp-impersonate:{target}:{world.gcp.credentials_file}"
    report = world.report(world.vertex(credentials=credentials))
    found = {r.id: r for r in report.results}
    assert found["gcp.credentials"].why == f"they are {target}"
    assert found["gcp.connector.trust"].subject == target
    assert report.worst is OK
    world.gcp.deny("iam.serviceAccounts.getAccessToken")
    denied = world.check(world.vertex(credentials=credentials), "gcp.credentials")
    assert denied.status in {FAIL, UNKNOWN}
    assert "getAccessToken" in denied.why or "impersonated" in denied.why


@pytest.mark.parametrize("through", [None, "runner"])
def test_federation_is_trusted_by_its_pool(
    world: World, tmp_path: Path, through: str | None
) -> None:
    world.fit()
    target = world.gcp.service_account(through) if through else None
    file = world.gcp.workload_identity_file(tmp_path / "federated.json", target)
    spec = world.vertex(credentials=f"gcp-workload-identity:{file}", project=PROJECT)
    assert world.check(spec, "gcp.credentials").status is OK
    assert world.check(spec, "gcp.connector.bucket").status is OK
    if target is None:
        return
    trust = world.check(spec, "gcp.connector.trust")
    assert (trust.status, "names nobody" in trust.why) == (UNKNOWN, True)
    pool = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/"
    pool += "workloadIdentityPools/loopback/attribute.repository/team"
    world.gcp.bind(target, "roles/iam.workloadIdentityUser", pool)
    assert world.check(spec, "gcp.connector.trust").status is OK
    file.with_suffix(".token").write_text("somebody else's")
    assert world.check(spec, "gcp.credentials").status is FAIL


def test_another_connector_is_read_from_policies_and_never_a_no(world: World) -> None:
    world.fit()
    other = "other@my-project.iam.gserviceaccount.com"
    spec = world.vertex(connector="theirs", credentials=None)
    ids = {f"gcp.connector.{what}" for what in ("bucket", "repository", "vertex", "act_as")}
    found = {r.id: r for r in world.report(spec, only=ids, identity=other).results}
    assert {r.status for r in found.values()} == {UNKNOWN}
    member = f"serviceAccount:{other}"
    for role in ("roles/storage.objectUser", "roles/storage.bucketViewer"):
        world.gcp.bind(f"buckets/{world.bucket}", role, member)
    world.gcp.bind(world.repository_name, "roles/artifactregistry.writer", member)
    world.gcp.bind(PROJECT, "roles/aiplatform.user", member)
    world.gcp.bind(world.workload, "roles/iam.serviceAccountUser", member)
    again = world.report(spec, only=ids, identity=other).results
    assert [(r.id, r.why) for r in again if r.status is not OK] == []
    assert all(r.caveat for r in again)


def test_another_connector_that_is_who_asks_is_told_by_google_itself(world: World) -> None:
    """No policy names it: a folder or a group may."""
    world.gcp.bucket(world.bucket)
    spec = world.vertex(connector="theirs", credentials=None)
    found = world.check(spec, "gcp.connector.bucket", identity=world.gcp.owner)
    assert (found.status, found.caveat) == (OK, None)
    world.gcp.deny("storage.objects.delete")
    denied = world.check(spec, "gcp.connector.bucket", identity=world.gcp.owner)
    assert (denied.status, "storage.objects.delete" in denied.why) == (FAIL, True)


@pytest.mark.parametrize(("number", "status"), [(PROJECT_NUMBER, OK), ("999", UNKNOWN)])
def test_a_projects_policy_counts_for_its_own_bucket_alone(
    world: World, number: str, status: CheckStatus
) -> None:
    """A grant in the stack's project opens no bucket of another one."""
    world.gcp.bucket(world.bucket, projectNumber=number)
    world.gcp.bind(PROJECT, "roles/storage.admin", f"serviceAccount:{world.workload}")
    result = world.check(world.vertex(), "gcp.workload.bucket_access")
    assert result.status is status, result.why
    assert ("999" in result.why) is (status is UNKNOWN)


def test_all_pods_of_the_cluster_may_be_granted_the_bucket(world: World) -> None:
    world.fit_cluster()
    world.gcp.bucket(world.bucket)
    cluster = f"projects/{PROJECT}/locations/{world.gcp.location}/clusters/{world.cluster}"
    pods = f"principalSet://iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
    pods += f"workloadIdentityPools/{PROJECT}.svc.id.goog/kubernetes.cluster/"
    pods += f"https://container.googleapis.com/v1/{cluster}"
    world.gcp.bind(f"buckets/{world.bucket}", "roles/storage.admin", pods)
    assert world.check(world.kubernetes(), "gcp.cluster.pod_identity").status is OK
    world.state.clusters.clear()
    world.fit_cluster(workload_identity_config={})
    off = world.check(world.kubernetes(), "gcp.cluster.pod_identity")
    assert (off.status, "workload_identity" in off.why) == (WARN, True)


@pytest.mark.parametrize("thing", ["bucket", "project"])
def test_a_grant_under_a_condition_is_unknown(world: World, thing: str) -> None:
    world.fit()
    where = PROJECT if thing == "project" else f"buckets/{world.bucket}"
    policy = world.state.policies[where]
    for binding in policy["bindings"]:
        binding["condition"] = {"title": "once", "expression": "request.time < x"}
    policy["version"] = 3
    result = world.check(world.vertex(), f"gcp.workload.{thing}_access")
    assert (result.status, "under a condition" in result.why) == (UNKNOWN, True)


@pytest.mark.parametrize("thing", ["bucket", "project"])
def test_what_a_folder_grants_the_steps_their_own_credentials_tell(
    world: World, thing: str
) -> None:
    """No policy that is read has it, and Google's own test counts it."""
    world.gcp.bucket(world.bucket)
    world.gcp.service_account("steps")
    check = f"gcp.workload.{thing}_access"
    theirs = world.check(world.vertex(), check)
    assert (theirs.status, "a folder or" in theirs.why) == (UNKNOWN, True)
    assert "cloudresourcemanager.projects.testIamPermissions" not in world.state.calls
    assert world.check(world.as_the_steps(), check).status is OK


def test_importing_googles_packages_writes_nothing_of_theirs() -> None:
    """On Python 3.11 each of them warns that it will be gone one day."""
    program = "from kitaru_iac.clouds.gcp.session import require_google; require_google()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_persons_login_is_refused_in_our_words_alone(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    """google-auth warns and logs where such a login has no quota project and no project."""
    login = {"client_id": "me", "client_secret": "s3cret", "refresh_token": "t0ken"}
    file = tmp_path / "login.json"
    file.write_text(json.dumps({"type": "authorized_user", **login}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    recwarn.clear()
    report = world.report(world.vertex(credentials=None))
    assert report.results[0].status is FAIL
    assert (caplog.records, list(recwarn)) == ([], [])
    assert not {"s3cret", "t0ken"} & set(str(report.to_dict()).replace("'", " ").split())


@pytest.mark.parametrize("credentials", [None, "implicit"])
def test_on_a_server_implicit_credentials_are_somebody_elses(
    world: World, credentials: str | None
) -> None:
    world.fit()
    spec = world.vertex(credentials=credentials)
    here = world.check(spec, "gcp.connector.bucket")
    there = world.check(spec, "gcp.connector.bucket", server="https://zenml.example")
    assert here.status is OK
    assert (there.status, "https://zenml.example" in there.why) == (UNKNOWN, True)


def test_a_permission_that_google_does_not_test_is_unknown_alone(world: World) -> None:
    world.fit()
    world.state.unknown_permissions.add("storage.objects.update")
    result = world.check(world.vertex(), "gcp.connector.bucket")
    assert (result.status, "storage.objects.update" in result.why) == (UNKNOWN, True)
    world.gcp.deny("storage.objects.get")
    assert world.check(world.vertex(), "gcp.connector.bucket").status is FAIL


@pytest.mark.parametrize(
    ("reason", "metadata", "words"),
    [
        ("SERVICE_DISABLED", {"service": "container.googleapis.com", "consumer": "projects/9"},
         "gcloud services enable container.googleapis.com --project 9"),
        ("USER_PROJECT_DENIED", {"consumer": "projects/9"}, "set-quota-project 9"),
        ("SECURITY_POLICY_VIOLATED", {}, "perimeter"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["container.clusters.list", "serviceusage.services.batchGet"])
def test_not_every_403_is_a_denial(
    world: World, call: str, reason: str, metadata: dict[str, str], words: str
) -> None:
    world.fit()
    world.fault(call, "denied", reason=reason, metadata=metadata)
    name = "gcp.cluster.exists" if call.startswith("container") else "gcp.services"
    result = world.check(world.kubernetes(), name)
    assert (result.status, result.missing_permission) == (UNKNOWN, None)
    assert words in (result.remedy or "")


def test_an_old_registry_is_a_repository_too(world: World) -> None:
    spec = world.vertex(container_registry=f"eu.gcr.io/{PROJECT}/team")
    result = world.check(spec, "gcp.repository.exists")
    assert (result.status, "gcr.io address" in result.why) == (FAIL, True)
    assert result.subject == f"projects/{PROJECT}/locations/europe/repositories/eu.gcr.io"
    world.gcp.repository("eu.gcr.io", location="europe")
    assert world.check(spec, "gcp.repository.exists").status is OK


def test_a_bucket_that_only_a_test_of_permissions_shows(world: World) -> None:
    world.fit()
    world.gcp.deny("storage.buckets.get")
    shown = world.check(world.vertex(), "gcp.bucket.exists")
    assert (shown.status, shown.caveat) == (OK, "its settings may not be read")
    world.gcp.deny(*(f"storage.objects.{v}" for v in ("create", "delete", "get", "list", "update")))
    hidden = world.check(world.vertex(), "gcp.bucket.exists")
    assert (hidden.status, hidden.missing_permission) == (UNKNOWN, "storage.buckets.get")
    world.bucket = "nobody-has-this-one"
    assert world.check(world.vertex(), "gcp.bucket.exists").status is FAIL


def test_zones_that_gke_does_not_tell_leave_it_open_whether_a_cluster_is_there(
    world: World,
) -> None:
    world.state.missing_zones = ("europe-west1-b",)
    report = world.report(world.kubernetes(), only={"gcp.cluster.exists", "gcp.cluster.active"})
    assert {r.status for r in report.results} == {UNKNOWN}
    assert all("europe-west1-b" in r.why for r in report.results)


def test_the_dns_endpoint_takes_a_permission_of_its_own(world: World) -> None:
    """Which is missed where the cluster has such an endpoint alone."""
    by_name = {"endpoint": "gke-1.europe-west1.gke.goog", "allow_external_traffic": True}
    on = {"control_plane_endpoints_config": {"dns_endpoint_config": by_name}}
    check, connect = "gcp.connector.cluster", "container.clusters.connect"
    other = f"serviceAccount:other@{PROJECT}.iam.gserviceaccount.com"
    spec = world.kubernetes()
    world.state.roles["roles/old"] = ("container.clusters.get", "container.clusters.list")
    world.gcp.bind(PROJECT, "roles/old", other)
    world.gcp.deny(connect)
    world.fit_cluster()
    assert world.check(spec, check).status is OK
    assert world.check(spec, check, identity=other).status is OK
    # By its address, a role that opens nothing in any cluster is enough.
    stranger = world.check(spec, check, identity=f"new@{PROJECT}.iam.gserviceaccount.com")
    assert "--role roles/container.clusterViewer" in str(stranger.remedy)
    world.fit_cluster(**on)
    mine, theirs = world.check(spec, check), world.check(spec, check, identity=other)
    assert (mine.status, theirs.status) == (FAIL, UNKNOWN)
    assert connect in mine.why
    assert connect in theirs.why
    for found in (mine, theirs):  # a role of just what is needed, in this project
        assert f"--permissions {connect},container.clusters.get,container.clusters.list" in str(
            found.remedy
        )
        assert "/roles/kitaruProdConnectorCluster" in str(found.remedy)
    world.fault("container.clusters.list", "down")
    unseen = world.check(spec, check)
    assert (unseen.status, "whether that one is needed was not seen" in unseen.why) == (
        UNKNOWN,
        True,
    )


def test_whoever_may_not_read_a_custom_role_is_let_read_it(world: World) -> None:
    """The remedy is the caller's: another right of the other identity would show nothing."""
    world.fit()
    role = f"projects/{PROJECT}/roles/steps"
    world.state.roles[role] = ("storage.buckets.get",)
    for binding in world.state.policy(f"buckets/{world.bucket}")["bindings"]:
        binding["role"] = role
    world.gcp.deny("iam.roles.get")
    found = world.check(world.vertex(), "gcp.workload.bucket_access")
    assert (found.status, found.missing_permission) == (UNKNOWN, "iam.roles.get")
    assert f"--member serviceAccount:{world.gcp.owner}" in str(found.remedy)
    assert "iam.roles.get" in str(found.remedy)
    assert world.workload not in str(found.remedy)
