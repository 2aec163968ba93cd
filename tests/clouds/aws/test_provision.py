"""Provisioning on AWS: the real engine and the real SDK, over the stand-in, on moto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.clouds.aws.kubernetes_api import api_of
from kitaru_iac.clouds.aws.provision import account, cluster_access
from kitaru_iac.engine.errors import DeploymentElsewhere, UpdateFailed
from kitaru_iac.errors import DescriptionError, KitaruError, NotAllowedError, NotFoundError
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.plan.document import changes as as_written
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import InfraMode
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.world import authority, cluster_api, cluster_place
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.doubles.web import json_response
from tests.warm.client import Process, begin

pytestmark = pytest.mark.engine

BUCKET = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
ROLE = f"kitaru-prod-sagemaker-{REGION}"
S3_BUCKET = "aws:s3/bucket:Bucket"
ECR = "aws:ecr/repository:Repository"
IAM_ROLE = "aws:iam/role:Role"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def sagemaker(**more: Any) -> StackSpec:
    return from_mapping(
        {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision", **more}
    )


def changes(steps: tuple[Step, ...]) -> set[tuple[str, str, str]]:
    return {
        (step.action.value, step.kind.rsplit(":", 1)[1], step.name)
        for step in steps
        if step.action is not Action.KEEP
    }


def test_a_whole_life(engine_room: EngineRoom) -> None:
    aws = engine_room.aws

    # Seen beforehand, and nothing is written: not in AWS, and not in the backend.
    seen = p.preview_infrastructure(sagemaker())
    assert {("create", "Bucket", BUCKET), ("create", "Repository", "kitaru/prod"),
            ("create", "Role", ROLE)} <= changes(seen.steps)  # fmt: skip
    assert all(step.layer is Layer.INFRASTRUCTURE for step in seen.steps)
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert not list(engine_room.state.rglob("prod*"))

    said: list[str] = []
    made = p.provision(sagemaker(), progress=said.append)
    assert changes(made.steps) == changes(seen.steps)
    assert made.spec == seen.spec
    assert (
        made.labels
        == seen.labels
        == {
            "kitaru.pulumi.project": "kitaru",
            "kitaru.pulumi.stack": "prod",
            "kitaru.pulumi.backend": engine_room.state.as_uri(),
        }
    )
    assert any(line.startswith(f"bucket {BUCKET}: created (") for line in said)
    described = made.spec
    assert str(described.artifact_store) == f"s3://{BUCKET}"
    assert str(described.container_registry) == f"{aws.registry_host()}/kitaru/prod"
    assert described.execution_role == f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE}"  # type: ignore[union-attr]

    look_at_the_bucket(aws)
    look_at_the_repository(aws)
    look_at_the_role(aws)
    report = verify(described.having(infra=InfraMode.VERIFY))
    by_status = {status: [r.id for r in report.results if r.status == status]
                 for status in ("ok", "warn", "fail", "unknown")}  # fmt: skip
    assert by_status["fail"] == by_status["warn"] == []
    # moto cannot simulate policies and tells no quotas; everything else was looked at.
    unseen = ("aws.role.", "aws.connector.", "aws.quota.")
    assert all(i.startswith(unseen) for i in by_status["unknown"])

    # The second run changes nothing, with the names left out and with them filled in.
    assert not p.preview_infrastructure(sagemaker()).has_changes
    again = p.provision(described)
    assert not again.has_changes
    assert again.spec == described
    assert p.drift(made.labels) == ()

    # Drift is shown, and mended.
    aws.client("s3").delete_public_access_block(Bucket=BUCKET)
    aws.client("ecr").put_image_scanning_configuration(
        repositoryName="kitaru/prod", imageScanningConfiguration={"scanOnPush": False}
    )
    drifted = p.drift(made.labels)
    assert changes(drifted) == {
        ("delete", "BucketPublicAccessBlock", BUCKET),
        ("update", "Repository", "kitaru/prod"),
    }
    assert [c.field for step in drifted for c in step.changes] == ["imageScanningConfiguration"]
    assert changes(p.preview_infrastructure(sagemaker()).steps) == {
        ("create", "BucketPublicAccessBlock", BUCKET),
        ("update", "Repository", "kitaru/prod"),
    }
    p.provision(sagemaker())
    look_at_the_bucket(aws)
    look_at_the_repository(aws)
    assert p.drift(made.labels) == ()

    # The end: what is protected stays, with its settings, and is said to stay.
    ahead = d.preview_destroy(made.labels)
    gone = d.destroy_infrastructure(made.labels)
    assert changes(ahead.steps) == changes(gone.steps)
    assert [(k.name, k.reason) for k in gone.kept] == [(BUCKET, "protected")]
    assert aws.client("ecr").describe_repositories()["repositories"] == []
    assert aws.client("iam").list_roles()["Roles"] == []
    look_at_the_bucket(aws)

    all_gone = d.destroy_infrastructure(made.labels, include_protected=True)
    assert all_gone.kept == ()
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert not list(engine_room.state.rglob("stacks/**/prod.json"))
    with pytest.raises(NotFoundError):
        d.destroy_infrastructure(made.labels)


def look_at_the_bucket(aws: Any) -> None:
    s3 = aws.client("s3")
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert {rule["ID"] for rule in lifecycle} == {"unfinished-uploads", "old-versions"}
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    tags = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]}
    assert tags == {
        "managed-by": "kitaru-iac", "kitaru-stack": "prod",
        "pulumi-project": "kitaru", "pulumi-stack": "prod",
    }  # fmt: skip


def look_at_the_repository(aws: Any) -> None:
    ecr = aws.client("ecr")
    found = ecr.describe_repositories(repositoryNames=["kitaru/prod"])["repositories"][0]
    assert found["imageScanningConfiguration"]["scanOnPush"] is True
    assert found["imageTagMutability"] == "MUTABLE"
    # Nothing goes unasked: a schedule may run an image that has no tag any more.
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName="kitaru/prod")


def look_at_the_role(aws: Any) -> None:
    iam = aws.client("iam")
    role = iam.get_role(RoleName=ROLE)["Role"]
    trust = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT_ID
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["kitaru"]
    document = iam.get_role_policy(RoleName=ROLE, PolicyName="kitaru")["PolicyDocument"]
    by_sid = {statement["Sid"]: statement for statement in document["Statement"]}
    assert by_sid["Objects"]["Resource"] == f"arn:aws:s3:::{BUCKET}/*"
    assert by_sid["Repository"]["Resource"].endswith(":repository/kitaru/prod")
    assert by_sid["ExecutionRole"]["Resource"] == role["Arn"]
    everything = {a for s in document["Statement"] if s["Resource"] == "*" for a in s["Action"]}
    assert everything == {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}


def test_what_holds_data_stays_until_told_otherwise(engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    labels = p.provision(sagemaker()).labels
    s3 = aws.client("s3")
    policy = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    with pytest.raises(s3.exceptions.ClientError, match="Forbidden"):
        s3.put_object(Bucket=BUCKET, Key="artifact", Body=b"0")  # without TLS, as all here
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="artifact", Body=b"1")
    s3.put_object(Bucket=BUCKET, Key="artifact", Body=b"2")
    s3.delete_object(Bucket=BUCKET, Key="artifact")  # the versions are still there
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    aws.client("ecr").put_image(
        repositoryName="kitaru/prod",
        imageTag="flow",
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}),
    )

    kept = d.destroy_infrastructure(labels, include_protected=True).kept
    assert {(k.name, k.reason) for k in kept} == {
        (BUCKET, "it holds objects"),
        ("kitaru/prod", "it holds images"),
    }
    look_at_the_bucket(aws)
    look_at_the_repository(aws)
    assert aws.client("iam").list_roles()["Roles"] == []

    # It can be taken up again, and is protected as before, ...
    again = p.provision(sagemaker()).steps
    updated = [step for step in again if step.action is Action.UPDATE]
    assert {change.field for step in updated for change in step.changes} == {"protect"}
    assert {c[0] for c in changes(again)} == {"create", "update"}
    look_at_the_role(aws)
    # ... and the data alone does not go without the word for it.
    assert BUCKET in {k.name for k in d.destroy_infrastructure(labels, delete_data=True).kept}
    assert s3.list_object_versions(Bucket=BUCKET)["Versions"]
    p.provision(sagemaker())
    with pytest.raises(KitaruError, match="could not be emptied"):
        d.destroy_infrastructure(labels, include_protected=True, delete_data=True)
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert d.destroy_infrastructure(labels, include_protected=True, delete_data=True).kept == ()
    assert s3.list_buckets()["Buckets"] == []
    assert aws.client("ecr").describe_repositories()["repositories"] == []


def test_existing_resources_are_used_and_left_alone(engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    aws.bucket("mine")
    made = p.provision(sagemaker(artifact_store="s3://mine/kitaru"))
    assert str(made.spec.artifact_store) == "s3://mine/kitaru"
    assert "Bucket" not in {kind for _, kind, _ in changes(made.steps)}
    document = aws.client("iam").get_role_policy(RoleName=ROLE, PolicyName="kitaru")
    by_sid = {s["Sid"]: s for s in document["PolicyDocument"]["Statement"]}
    assert by_sid["Listing"]["Resource"] == "arn:aws:s3:::mine", by_sid
    assert d.destroy_infrastructure(made.labels).kept == ()
    assert [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]] == ["mine"]


def test_given_names_are_made_where_told_to(engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    made = p.provision(
        sagemaker(
            artifact_store="s3://my-own-bucket/deep/path",
            container_registry=f"{aws.registry_host()}/team/images",
            execution_role=f"arn:aws:iam::{ACCOUNT_ID}:role/my-role",
            resources={"bucket": "create", "registry": "create", "role": "create"},
        )
    )
    assert str(made.spec.artifact_store) == "s3://my-own-bucket/deep/path"
    assert aws.client("s3").head_bucket(Bucket="my-own-bucket")
    assert aws.client("ecr").describe_repositories(repositoryNames=["team/images"])
    assert aws.client("iam").get_role(RoleName="my-role")


def test_a_registry_of_another_account_cannot_be_made(engine_room: EngineRoom) -> None:
    with pytest.raises(DescriptionError, match="not that of the credentials"):
        p.preview_infrastructure(
            sagemaker(
                container_registry=f"999999999999.dkr.ecr.{REGION}.amazonaws.com",
                resources={"registry": "create"},
            )
        )


def eks(**more: Any) -> StackSpec:
    return from_mapping(
        {"name": "prod", "type": "kubernetes", "region": REGION, "infra": "provision", **more}
    )


CLUSTER: dict[str, Any] = {
    "resources": {"cluster": "create"},
    "infrastructure": {
        "endpoint_access": ["203.0.113.7/32"],
        "cluster_access": [f"arn:aws:iam::{ACCOUNT_ID}:role/team/zenml-server"],
    },
}


def test_a_cluster_is_made_only_where_asked_for(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = engine_room.aws
    with pytest.raises(DescriptionError, match="none is made unasked"):
        p.preview_infrastructure(eks())

    api = cluster_api()
    api.forget()
    place = cluster_place(api, authority())  # moto's own is nowhere
    monkeypatch.setattr(account, "api_of", lambda access, seen: api_of(access, {**seen, **place}))
    with monkeypatch.context() as before:  # its state has the names of an older deployment
        before.setattr(cluster_access, "name_of", cluster_access._former_name_of)
        made = p.provision(eks(**CLUSTER, namespace="ml"))
    assert made.spec.cluster == "kitaru-prod"  # type: ignore[union-attr]
    assert sorted(made.beside) == sorted(
        f"role: {one['RoleName']}" for one in aws.client("iam").list_roles()["Roles"]
    )
    assert made.made >= {"cluster", "namespace"}
    assert api.labels["ml"]["pulumi-stack"] == "prod"
    cluster = aws.client("eks").describe_cluster(name="kitaru-prod")["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert len(cluster["resourcesVpcConfig"]["subnetIds"]) >= 2
    group = aws.client("eks").describe_nodegroup(clusterName="kitaru-prod", nodegroupName="kitaru")
    node_role = group["nodegroup"]["nodeRole"].rsplit("/", 1)[1]
    attached = aws.client("iam").list_attached_role_policies(RoleName=node_role)
    assert {policy["PolicyName"] for policy in attached["AttachedPolicies"]} == {
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonEC2ContainerRegistryPullOnly",
    }
    eks_client = aws.client("eks")
    for name in ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent"):
        assert eks_client.describe_addon(clusterName="kitaru-prod", addonName=name)["addon"]
    identities = eks_client.list_pod_identity_associations(clusterName="kitaru-prod")
    assert {found["serviceAccount"] for found in identities["associations"]} == {
        "zenml-service-account",
        "default",
    }
    server = CLUSTER["infrastructure"]["cluster_access"][0]
    entry = {"clusterName": "kitaru-prod", "principalArn": server}
    scopes = eks_client.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert [found["accessScope"]["namespaces"] for found in scopes] == [["ml"]]
    report = verify(made.spec.having(infra=InfraMode.VERIFY, resources={}))
    assert [r.id for r in report.results if r.status == "fail"] == []

    # A namesake of another account comes beside it, and has no part in what is there, whichever of
    # them is named first.
    access = [server.replace(ACCOUNT_ID, "210987654321"), server]
    beside = {"infrastructure": CLUSTER["infrastructure"] | {"cluster_access": access}}
    api.refusal = json_response({}, 503)
    made = p.provision(eks(**CLUSTER | beside, namespace="ml"))
    (warning,) = made.warnings
    assert (warning.code, "kubectl create namespace ml" in warning.text) == (
        "namespace_not_made", True,
    )  # fmt: skip
    assert [change[:2] for change in sorted(changes(made.steps))] == [
        ("create", "AccessEntry"),
        ("create", "AccessPolicyAssociation"),
    ]
    for principal in access:
        entry = {"clusterName": "kitaru-prod", "principalArn": principal}
        scopes = eks_client.list_associated_access_policies(**entry)["associatedAccessPolicies"]
        assert len(scopes) == 1
    gone = d.destroy_infrastructure(made.labels)
    assert [k.name for k in gone.kept] == [BUCKET]
    assert aws.client("eks").list_clusters()["clusters"] == []
    assert aws.client("logs").describe_log_groups()["logGroups"] == []
    assert aws.client("iam").list_roles()["Roles"] == []


def test_a_failed_run_is_continued_by_the_same_command(engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    engine_room.fault("before", IAM_ROLE, fail="AccessDenied: not authorized to iam:CreateRole")
    with pytest.raises(UpdateFailed) as failed:
        p.provision(sagemaker())
    assert "stack-execution-role (aws:iam/role:Role)" in str(failed.value)
    assert "not authorized to iam:CreateRole" in str(failed.value)
    assert "same command again" in str(failed.value)
    assert aws.client("s3").list_buckets()["Buckets"]

    engine_room.no_faults()
    made = p.provision(sagemaker())
    assert ("create", "Bucket", BUCKET) not in changes(made.steps)
    assert ("create", "Role", ROLE) in changes(made.steps)
    look_at_the_role(aws)
    assert not p.preview_infrastructure(sagemaker()).has_changes


# -- killed in the middle --------------------------------------------------------------------------

_PROGRAM = """
from kitaru_iac.infrastructure import provision
from kitaru_iac.spec import from_mapping
import json, sys
spec = from_mapping(json.loads(sys.argv[1]))
provision.provision(spec, progress=lambda line: print(line, file=sys.stderr, flush=True))
print("done")
"""
SAGEMAKER = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"}


def started(log: Path, described: Mapping[str, Any] = SAGEMAKER) -> Process:
    command = [sys.executable, "-c", _PROGRAM, json.dumps(described)]
    return begin(command, log=log, cwd=Path(__file__).parents[2])


def wait_for(path: Path, process: Process, log: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


@pytest.fixture
def killed(engine_room: EngineRoom, tmp_path: Path) -> Callable[..., None]:
    """Run until AWS has made what the state does not know of; then kill the run and its engine."""

    def kill(
        token: str,
        *not_yet: str,
        when: str = "after",
        beside: Sequence[str] = (),
        described: Mapping[str, Any] = SAGEMAKER,
    ) -> None:
        """Wait for `token` and all `beside`; the run stops there, and before each of `not_yet`."""
        begun = {each: tmp_path / f"begun-{each.rpartition(':')[2]}" for each in (token, *beside)}
        faults: dict[str, Any] = {f"before {other}": {"sleep": 300} for other in not_yet}
        for each, path in begun.items():
            path.unlink(missing_ok=True)
            faults[f"{when} {each}"] = {"touch": str(path), "sleep": 300}
        engine_room.faults(**faults)
        process = started(tmp_path / "log", described)
        for path in begun.values():
            wait_for(path, process, tmp_path / "log")
        engine = engine_room.locks()[0]["pid"]
        plugins = children(engine)
        for pid in (process.pid, engine, *plugins):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        engine_room.no_faults()

    return kill


def test_killed_runs_are_completed_by_the_next(killed: Any, engine_room: EngineRoom) -> None:
    """One after the other, each while another thing is made and the rest is made or only begun."""
    aws = engine_room.aws
    killed(S3_BUCKET, ECR, IAM_ROLE)
    assert engine_room.locks(), "the lock of the dead run is still there"
    assert p.preview_infrastructure(sagemaker()).has_changes
    assert engine_room.locks(), "and a preview leaves it alone"
    killed(ECR, IAM_ROLE)
    # The repository that the dead run made is ours: it would be replaced, and is not new.
    elsewhere = f"{aws.registry_host()}/team/images"
    renamed = sagemaker(container_registry=elsewhere, resources={"registry": "create"})
    told = changes(p.preview_infrastructure(renamed).steps)
    assert ("replace", "Repository") in {(action, kind) for action, kind, _ in told}
    killed(IAM_ROLE)

    said: list[str] = []
    p.provision(sagemaker(), progress=said.append)
    assert any("unlocking" in line for line in said)
    assert any("cut off" in line for line in said)
    look_at_the_bucket(aws)
    look_at_the_repository(aws)
    look_at_the_role(aws)
    assert engine_room.locks() == []
    assert not p.preview_infrastructure(sagemaker()).has_changes
    kept = d.destroy_infrastructure(p.preview_infrastructure(sagemaker()).labels).kept
    assert [k.name for k in kept] == [BUCKET]


def test_a_run_killed_alone_leaves_an_engine_that_is_waited_for(
    engine_room: EngineRoom, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    engine_room.fault("after", S3_BUCKET, touch=str(begun), sleep=5)
    process = started(tmp_path / "log")
    wait_for(begun, process, tmp_path / "log")
    process.send_signal(signal.SIGKILL)
    process.wait()
    engine_room.no_faults()

    p.provision(sagemaker())
    look_at_the_bucket(engine_room.aws)
    assert not p.preview_infrastructure(sagemaker()).has_changes


def test_ctrl_c_lets_operations_end_and_says_how_to_go_on(
    engine_room: EngineRoom, tmp_path: Path
) -> None:
    begun, log = tmp_path / "begun", tmp_path / "log"
    engine_room.fault("after", S3_BUCKET, touch=str(begun), sleep=3)
    process = started(log)
    wait_for(begun, process, log)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=120)
    text = log.read_text()
    assert "UpdateCancelled" in text, text
    assert "Stopping when the running operations have ended" in text
    assert "Run the same command again" in text
    assert engine_room.locks() == []
    # What was being made when it was pressed is in the state.
    assert list(engine_room.state.rglob("stacks/**/prod.json"))

    engine_room.no_faults()
    made = p.provision(sagemaker())
    assert ("create", "Bucket", BUCKET) not in changes(made.steps)
    look_at_the_bucket(engine_room.aws)


def test_ctrl_c_twice_stops_at_once_and_the_next_run_completes(
    engine_room: EngineRoom, tmp_path: Path
) -> None:
    begun, log = tmp_path / "begun", tmp_path / "log"
    engine_room.fault("after", S3_BUCKET, touch=str(begun), sleep=300)
    process = started(log)
    wait_for(begun, process, log)
    process.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in log.read_text():
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert "the next run finds out how it ended" in log.read_text()

    engine_room.no_faults()
    p.provision(sagemaker())
    look_at_the_bucket(engine_room.aws)


# -- whose, and where ------------------------------------------------------------------------------


def test_credentials_of_the_description_reach_the_plugin_and_never_the_state(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = engine_room.aws.require_valid_keys()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOTVALID00000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-valid-secret-access-key")
    with pytest.raises(NotAllowedError):
        p.provision(sagemaker())
    said: list[str] = []
    made = p.provision(
        sagemaker(credentials=f"aws-access-keys:{key}:{secret}"), progress=said.append
    )
    assert engine_room.aws.client("s3").head_bucket(Bucket=BUCKET)
    files = [path for path in engine_room.home.rglob("*") if path.is_file()]
    assert files
    assert all(secret.encode() not in path.read_bytes() for path in files)
    assert secret not in repr(made) + "".join(said)
    assert secret not in json.dumps(as_written(made.steps))


def test_a_deployment_does_not_move(engine_room: EngineRoom) -> None:
    p.provision(sagemaker())
    with pytest.raises(DeploymentElsewhere, match="region eu-west-1, not in region eu-central-1"):
        p.provision(sagemaker(region="eu-central-1"))


def test_without_provision_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    spec = from_mapping(
        {
            "name": "prod", "type": "sagemaker", "region": REGION, "infra": "verify",
            "artifact_store": "s3://mine",
            "container_registry": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com",
            "execution_role": f"arn:aws:iam::{ACCOUNT_ID}:role/mine",
        }
    )  # fmt: skip
    assert p.provision(spec) == InfrastructureResult(spec)
    assert p.preview_infrastructure(spec) == InfrastructureResult(spec)
