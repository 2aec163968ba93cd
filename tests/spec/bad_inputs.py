"""Descriptions that are wrong, and what has to be said about each.

A row is a command line after ``kitaru stack create``, and the content of ``stack.yaml`` in the
working directory where it has one. Every row has one cause, unless its id starts with ``all-``.
Nothing of it may reach a store, and each ends with exit code 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kitaru_iac.errors import ExitCode

#: Stands in rows for a value that must not be repeated.
SECRET = "hunter2-SECRET"


@dataclass(frozen=True)
class BadInput:
    id: str
    argv: tuple[str, ...]
    expect: tuple[str, ...]
    yaml: str | bytes | None = None
    problems: int = 1
    exit_code: int = ExitCode.USAGE

    def __str__(self) -> str:
        return self.id


KUBERNETES = {
    "type": "kubernetes",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "prod-cluster",
    "region": "eu-west-1",
}
GKE = {
    "type": "kubernetes",
    "artifact_store": "gs://my-bucket/kitaru",
    "container_registry": "europe-west1-docker.pkg.dev/my-project/my-repo",
    "cluster": "prod-cluster",
    "region": "europe-west1",
}
AKS = {
    "type": "kubernetes",
    "artifact_store": "az://my-container/kitaru",
    "container_registry": "demo1.azurecr.io",
    "cluster": "prod-cluster",
    "subscription_id": "00000000-0000-0000-0000-000000000123",
    "resource_group": "ml-platform",
}
VERTEX = {
    "type": "vertex",
    "artifact_store": "gs://my-bucket/kitaru",
    "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
    "region": "us-central1",
}
SAGEMAKER = {
    "type": "sagemaker",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "region": "eu-west-1",
    "execution_role": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
}
AZUREML = {
    "type": "azureml",
    "artifact_store": "az://my-container/kitaru",
    "container_registry": "demo.azurecr.io/my-team/my-image",
    "subscription_id": "00000000-0000-0000-0000-000000000123",
    "resource_group": "ml-platform",
    "workspace": "team-ml",
    "region": "westeurope",
}
LOCAL_S3 = {
    "artifact_store": "s3://my-bucket/kitaru",
    "region": "eu-west-1",
    "credentials": "implicit",
}
LOCAL: dict[str, str] = {}
GOOD = {
    "kubernetes": KUBERNETES,
    "gke": GKE,
    "aks": AKS,
    "vertex": VERTEX,
    "sagemaker": SAGEMAKER,
    "azureml": AZUREML,
    "local": LOCAL,
    "local-s3": LOCAL_S3,
}


def argv(base: dict[str, str], *more: str, name: str | None = "prod", **changes: Any) -> list[str]:
    """A command line from a good one; a change to None leaves the flag out."""
    words = [name] if name is not None else []
    for key, value in {**base, **changes}.items():
        if value is not None:
            words += [f"--{key.replace('_', '-')}", value]
    return [*words, *more]


def _bad(id: str, words: list[str], *expect: str, **more: Any) -> BadInput:
    return BadInput(id, tuple(words), expect, **more)


def _change(id: str, base: dict[str, str], expect: list[str], **changes: Any) -> BadInput:
    return _bad(id, argv(base, **changes), *expect)


def _file(id: str, text: str | bytes, *expect: str, words: tuple[str, ...] = (), problems: int = 1):
    return BadInput(id, ("-f", "stack.yaml", *words), expect, yaml=text, problems=problems)


NAMES = [
    _bad("name-missing", [], "NAME", "name is missing"),
    _bad("name-reserved", ["default"], "NAME", "reserved", "`dev`"),
    _bad("name-reserved-upper", ["Default"], "reserved"),
    _bad("name-signs", ["a/b c:é"], "`a/b c:é`", "`a-b-c`"),
    _bad("name-slash", ["team/dev"], "`team-dev`"),
    _bad("name-blank", ["my stack"], "`my-stack`"),
    _bad("name-empty", [""], "name is empty"),
    _bad("name-blanks-around", [" dev "], "blanks around", "`dev`"),
    _bad("name-line-end", ["dev\nprod"], "cannot be the name"),
    _bad("name-dot-first", [".dev"], "starts and ends with a letter"),
    _bad("name-dash-last", ["dev-"], "starts and ends with a letter", "`dev`"),
    _bad("name-long", ["a" * 101], "101 characters", "at most 100"),
    _bad("name-uuid", ["12345678-1234-1234-1234-123456789abc"], "looks like an id"),
    _bad("name-emoji", ["dev🚀"], "cannot be the name"),
    _bad("name-option-value", ["dev=prod"], "`dev-prod`"),
]

TYPES = [
    _bad("type-near", ["dev", "--type", "kubernets"], "--type", "Did you mean `kubernetes`?"),
    _bad("type-near-vertex", ["dev", "--type", "vertx"], "Did you mean `vertex`?"),
    _bad("type-upper", ["dev", "--type", "Sagemaker"], "Did you mean `sagemaker`?"),
    _bad("type-dash", ["dev", "--type", "azure-ml"], "Did you mean `azureml`?"),
    _bad("type-k8s", ["dev", "--type", "k8s"], "Did you mean `kubernetes`?"),
    _bad("type-eks", ["dev", "--type", "eks"], "Did you mean `kubernetes`?"),
    _bad("type-cloud", ["dev", "--type", "aws"], "Did you mean `sagemaker`?"),
    _bad("type-far", ["dev", "--type", "banana"], "`banana` is not a type", "local, kubernetes"),
    _bad("type-empty", ["dev", "--type", ""], "type is empty"),
]

MISSING = [
    _bad(
        "all-missing-vertex",
        ["prod", "--type", "vertex"],
        "--artifact-store",
        "--container-registry",
        "--region",
        problems=3,
    ),
    _bad(
        "all-missing-kubernetes",
        ["prod", "--type", "kubernetes"],
        "--artifact-store",
        "--container-registry",
        "--cluster",
        "--region",
        problems=4,
    ),
    _bad(
        "all-missing-sagemaker",
        ["prod", "--type", "sagemaker"],
        "--artifact-store",
        "--container-registry",
        "--region",
        "--execution-role",
        problems=4,
    ),
    _bad(
        "all-missing-azureml",
        ["--type", "azureml"],
        "NAME",
        "--artifact-store",
        "--container-registry",
        "--subscription-id",
        "--resource-group",
        "--workspace",
        problems=6,
    ),
    *(
        _change(f"missing-{name}-{key}", base, [flag, "is missing"], **{key: None})
        for name, base, keys in (
            ("kubernetes", KUBERNETES, ("artifact_store", "container_registry")),
            ("kubernetes", KUBERNETES, ("cluster", "region")),
            ("gke", GKE, ("cluster", "region")),
            ("aks", AKS, ("cluster", "subscription_id", "resource_group")),
            ("vertex", VERTEX, ("artifact_store", "container_registry", "region")),
            ("sagemaker", SAGEMAKER, ("artifact_store", "container_registry")),
            ("sagemaker", SAGEMAKER, ("region", "execution_role")),
            ("azureml", AZUREML, ("artifact_store", "container_registry")),
            ("azureml", AZUREML, ("subscription_id", "resource_group", "workspace")),
            ("local-s3", LOCAL_S3, ("region",)),
        )
        for key in keys
        for flag in (f"--{key.replace('_', '-')}",)
    ),
    _change("missing-project-gcs-ghcr", GKE, ["--project"], container_registry="ghcr.io/me"),
    _bad(
        "missing-project-local-gcs",
        ["dev", "--artifact-store", "gs://my-bucket", "--credentials", "implicit"],
        "--project",
        "connector to GCP",
    ),
    _bad(
        "provision-nothing-tells-the-cloud",
        ["prod", "--type", "kubernetes", "--infra", "provision", "--region", "nowhere"],
        "not clear which cloud",
    ),
    _bad(
        "provision-vertex-project",
        ["prod", "--type", "vertex", "--infra", "provision", "--region", "us-central1"],
        "--project",
    ),
]

BELONGING = [
    _bad("local-cluster", ["dev", "--cluster", "c"], "no cluster", "Add `--type kubernetes`"),
    _bad(
        "local-role",
        ["dev", "--execution-role", SAGEMAKER["execution_role"]],
        "no execution_role",
        "Add `--type sagemaker`",
    ),
    _bad("local-workspace", ["dev", "--workspace", "team-ml"], "Add `--type azureml`"),
    _bad(
        "local-registry",
        ["dev", "--type", "local", "--container-registry", "ghcr.io/me"],
        "type local has no container_registry",
    ),
    _bad("local-namespace", ["dev", "--namespace", "ml"], "type local has no namespace"),
    _bad("local-async", ["dev", "--type", "local", "--async"], "--async", "has no async"),
    _bad("local-region", ["dev", "--region", "eu-west-1"], "no region", "artifact store"),
    _bad("local-project", ["dev", "--project", "my-project"], "no project"),
    _bad("local-credentials", ["dev", "--credentials", "implicit"], "no credentials"),
    _bad("local-connector", ["dev", "--connector", "shared"], "no connector"),
    _bad("local-infra", ["dev", "--infra", "verify"], "no infrastructure"),
    _bad("local-provision", ["dev", "--infra", "provision"], "no infrastructure"),
    _change("vertex-cluster", VERTEX, ["--cluster", "Vertex AI brings"], cluster="c"),
    _change("vertex-namespace", VERTEX, ["--namespace", "no namespace"], namespace="ml"),
    _change("vertex-workspace", VERTEX, ["no workspace", "azureml"], workspace="team-ml"),
    _change("vertex-role", VERTEX, ["type sagemaker"], execution_role=SAGEMAKER["execution_role"]),
    _change("sagemaker-cluster", SAGEMAKER, ["no cluster", "type kubernetes"], cluster="c"),
    _change("sagemaker-namespace", SAGEMAKER, ["no namespace"], namespace="ml"),
    _change("sagemaker-project", SAGEMAKER, ["no project"], project="my-project"),
    _change("sagemaker-group", SAGEMAKER, ["no resource_group"], resource_group="g"),
    _change("azureml-cluster", AZUREML, ["no cluster"], cluster="c"),
    _change("azureml-namespace", AZUREML, ["no namespace"], namespace="ml"),
    _change(
        "azureml-role", AZUREML, ["no execution_role"], execution_role=SAGEMAKER["execution_role"]
    ),
    _change("kubernetes-workspace", KUBERNETES, ["no workspace"], workspace="team-ml"),
    _change("eks-project", KUBERNETES, ["a stack on AWS has no project"], project="my-project"),
    _change("eks-group", KUBERNETES, ["no resource_group"], resource_group="ml-platform"),
    _change(
        "gke-subscription",
        GKE,
        ["a stack on GCP has no subscription_id"],
        subscription_id=AKS["subscription_id"],
    ),
    _change("aks-project", AKS, ["a stack on Azure has no project"], project="my-project"),
]

STORES = [
    _change("store-empty", KUBERNETES, ["artifact_store is empty"], artifact_store=""),
    _change("store-bare", KUBERNETES, ["`s3://my-bucket/x`"], artifact_store="my-bucket/x"),
    _change("store-folder", KUBERNETES, ["a folder of this machine"], artifact_store="/data"),
    _change("store-s3a", KUBERNETES, ["`s3://b-bucket/x`"], artifact_store="s3a://b-bucket/x"),
    _change("store-gcs-scheme", GKE, ["`gs://my-bucket`"], artifact_store="gcs://my-bucket"),
    _change("store-wasb", AKS, ["`az://box/x`"], artifact_store="wasbs://box/x"),
    _change(
        "store-https-s3",
        KUBERNETES,
        ["`s3://my-bucket`"],
        artifact_store="https://my-bucket.s3.eu-west-1.amazonaws.com/x",
    ),
    _change(
        "store-https-blob",
        AKS,
        ["`abfs://box@acct.dfs.core.windows.net/x`"],
        artifact_store="https://acct.blob.core.windows.net/box/x",
    ),
    _change("store-arn", KUBERNETES, ["`s3://my-bucket`"], artifact_store="arn:aws:s3:::my-bucket"),
    _change("store-ftp", KUBERNETES, ["`ftp:`", "`s3://`"], artifact_store="ftp://host/x"),
    _change("store-one-slash", KUBERNETES, ["`s3://my-bucket`"], artifact_store="s3:/my-bucket"),
    _change("store-no-bucket", KUBERNETES, ["names no bucket"], artifact_store="s3://"),
    _change("store-upper", KUBERNETES, ["`my-bucket`"], artifact_store="s3://My-Bucket"),
    _change("store-short", KUBERNETES, ["3 to 63"], artifact_store="s3://ab"),
    _change("store-long", KUBERNETES, ["3 to 63"], artifact_store=f"s3://{'a' * 64}"),
    _change("store-dash", KUBERNETES, ["both ends"], artifact_store="s3://my-bucket-"),
    _change("store-underscore", KUBERNETES, ["cannot be an S3"], artifact_store="s3://my_bucket"),
    _change("store-dots", KUBERNETES, ["`..`"], artifact_store="s3://my..bucket"),
    _change("store-ip", KUBERNETES, ["IP address"], artifact_store="s3://192.168.5.4"),
    _change("store-xn", KUBERNETES, ["reserves `xn--…`"], artifact_store="s3://xn--bucket"),
    _change("store-alias", KUBERNETES, ["`…-s3alias`"], artifact_store="s3://my-s3alias"),
    _change("store-port", KUBERNETES, ["cannot be an S3"], artifact_store="s3://host:9000"),
    _change("store-query", KUBERNETES, ["holds `?`"], artifact_store="s3://my-bucket/a?b"),
    _change("store-parent", KUBERNETES, ["`..`"], artifact_store="s3://my-bucket/../x"),
    _change("store-double", KUBERNETES, ["empty part"], artifact_store="s3://my-bucket/a//b"),
    _change("store-login", KUBERNETES, ["login"], artifact_store=f"s3://AKIA:{SECRET}@my-bucket/x"),
    _change("store-gs-google", GKE, ["Google reserves"], artifact_store="gs://goog-data"),
    _change("store-gs-dot", GKE, ["dot in its name"], artifact_store="gs://data.example.com"),
    _change("store-az-double-dash", AKS, ["single `-`"], artifact_store="az://my--box"),
    _change("store-az-upper", AKS, ["`mybox`"], artifact_store="az://MyBox"),
    _change("store-az-host", AKS, ["storage account"], artifact_store="abfss://box@example.com/x"),
    _change(
        "store-az-account",
        AKS,
        ["3 to 24"],
        artifact_store="abfss://box@my-account.dfs.core.windows.net/x",
    ),
    _bad("local-proc", ["dev", "--artifact-store", "/proc/nope"], "/proc/nope", "no folder"),
    _bad("local-root", ["dev", "--artifact-store", "/"], "no folder"),
    _bad("local-dev", ["dev", "--artifact-store", "file:///dev/null"], "no folder"),
    _bad("local-bare", ["dev", "--artifact-store", "data"], "`./data`"),
    _bad("local-file-host", ["dev", "--artifact-store", "file://host/x"], "absolute path"),
    _bad("local-in-file", ["dev", "--artifact-store", "./stack.yaml/x"], "is a file", yaml="a: 1"),
    _bad("local-home", ["dev", "--artifact-store", "~nobody-here/x"], "unknown user"),
]

REGISTRIES = [
    _change("registry-empty", KUBERNETES, ["is empty"], container_registry=""),
    _change(
        "registry-tag",
        KUBERNETES,
        ["tag", "`ghcr.io/me/app`"],
        container_registry="ghcr.io/me/app:v1",
    ),
    _change(
        "registry-digest",
        KUBERNETES,
        ["digest", "`ghcr.io/me/app`"],
        container_registry=f"ghcr.io/me/app@sha256:{'0' * 64}",
    ),
    _change("registry-bucket", KUBERNETES, ["is a bucket"], container_registry="s3://my-bucket"),
    _change("registry-http", KUBERNETES, ["`ghcr.io/me`"], container_registry="http://ghcr.io/me"),
    _change("registry-hub", KUBERNETES, ["`docker.io/me/app`"], container_registry="me/app"),
    _change("registry-word", AZUREML, ["`demo.azurecr.io`"], container_registry="demo"),
    _change("registry-blank", KUBERNETES, ["blanks"], container_registry="ghcr.io/my app"),
    _change("registry-upper", KUBERNETES, ["`ghcr.io/me`"], container_registry="ghcr.io/Me"),
    _change("registry-port", KUBERNETES, ["1 to 65535"], container_registry="h.example:70000/x"),
    _change("registry-login", KUBERNETES, ["login"], container_registry=f"me:{SECRET}@ghcr.io/me"),
    _change(
        "registry-ecr-account",
        KUBERNETES,
        ["12 digits"],
        container_registry="12345.dkr.ecr.eu-west-1.amazonaws.com",
    ),
    _change(
        "registry-ecr-region-shape",
        KUBERNETES,
        ["--container-registry", "`eu-west1`"],
        container_registry="123456789012.dkr.ecr.eu-west1.amazonaws.com",
    ),
    _change(
        "registry-ecr-fips",
        KUBERNETES,
        ["`123456789012.dkr.ecr.eu-west-1.amazonaws.com`"],
        container_registry="123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
    ),
    _change(
        "registry-ecr-region",
        KUBERNETES,
        ["--region", "`us-east-1`"],
        container_registry="123456789012.dkr.ecr.us-east-1.amazonaws.com",
    ),
    _change(
        "registry-ecr-region-sagemaker",
        SAGEMAKER,
        ["--region", "`us-east-1`"],
        container_registry="123456789012.dkr.ecr.us-east-1.amazonaws.com/agents",
    ),
    _change(
        "registry-ecr-china",
        KUBERNETES,
        ["cannot reach"],
        container_registry="123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        region="cn-north-1",
    ),
    _change(
        "registry-ecr-arn",
        KUBERNETES,
        ["given as an ARN"],
        container_registry="arn:aws:ecr:eu-west-1:123456789012:repository/x",
    ),
    _change(
        "registry-gar-repository",
        VERTEX,
        ["lacks the repository"],
        container_registry="us-central1-docker.pkg.dev/my-project",
    ),
    _change(
        "registry-gar-project",
        VERTEX,
        ["lacks the project"],
        container_registry="us-central1-docker.pkg.dev",
    ),
    _change(
        "registry-gar-format",
        VERTEX,
        ["python packages"],
        container_registry="us-central1-python.pkg.dev/my-project/my-repo",
    ),
    _change(
        "registry-gar-location",
        VERTEX,
        ["us-cental1"],
        container_registry="us-cental1-docker.pkg.dev/my-project/my-repo",
    ),
    _change(
        "registry-gar-short-project",
        VERTEX,
        ["6 to 30"],
        container_registry="us-central1-docker.pkg.dev/proj/my-repo",
    ),
    _change("registry-gcr-project", VERTEX, ["lacks the project"], container_registry="gcr.io"),
    _change("registry-acr-dash", AZUREML, ["no `-`"], container_registry="my-demo.azurecr.io"),
    _change("registry-acr-china", AZUREML, ["sovereign"], container_registry="demo.azurecr.cn"),
]

CLOUDS = [
    _change("vertex-s3", VERTEX, ["--artifact-store", "GCS"], artifact_store="s3://my-bucket"),
    _change(
        "vertex-ecr", VERTEX, ["one connector"], container_registry=KUBERNETES["container_registry"]
    ),
    _change("vertex-hub", VERTEX, ["cannot pull"], container_registry="docker.io/me"),
    _change("sagemaker-gs", SAGEMAKER, ["an S3 bucket"], artifact_store="gs://my-bucket"),
    _change("sagemaker-ghcr", SAGEMAKER, ["cannot pull"], container_registry="ghcr.io/me"),
    _change("azureml-s3", AZUREML, ["a blob container"], artifact_store="s3://my-bucket"),
    _change(
        "azureml-ecr",
        AZUREML,
        ["one connector"],
        container_registry=KUBERNETES["container_registry"],
    ),
    _change(
        "eks-gar",
        KUBERNETES,
        ["--container-registry", "one connector"],
        container_registry=VERTEX["container_registry"],
    ),
    _change("gke-acr", GKE, ["one connector"], container_registry="demo1.azurecr.io"),
    _change("aks-ecr", AKS, ["one connector"], container_registry=KUBERNETES["container_registry"]),
]

PLACES = [
    _change("region-gcp-on-aws", SAGEMAKER, ["one of GCP"], region="us-central1"),
    _change("region-no-dash", SAGEMAKER, ["Did you mean `eu-west-1`?"], region="eu-west1"),
    _change("region-glued", SAGEMAKER, ["Did you mean `eu-west-1`?"], region="euwest1"),
    _change("region-upper", SAGEMAKER, ["Did you mean `eu-west-1`?"], region="EU-WEST-1"),
    _change("region-zone", SAGEMAKER, ["availability zone", "`eu-west-1`"], region="eu-west-1a"),
    _change("region-blank", SAGEMAKER, ["blanks around"], region=" eu-west-1"),
    _change("region-empty", SAGEMAKER, ["region is empty"], region=""),
    _change("region-vertex-aws", VERTEX, ["one of AWS"], region="us-east-1"),
    _change("region-vertex-zone", VERTEX, ["zone", "`us-central1`"], region="us-central1-a"),
    _change("region-vertex-multi", VERTEX, ["not the name"], region="us"),
    _change("region-vertex-letter", VERTEX, ["`europe-west1`"], region="erope-west1"),
    _change("region-azure-display", AZUREML, ["`westeurope`"], region="West Europe"),
    _change("region-azure-dash", AZUREML, ["`westeurope`"], region="west-europe"),
    _change("region-azure-letter", AZUREML, ["`westeurope`"], region="westeurop"),
    _change("region-azure-aws", AZUREML, ["one of AWS"], region="eu-west-1"),
    _change("cluster-sign", KUBERNETES, ["an EKS cluster"], cluster="my cluster"),
    _change(
        "cluster-arn",
        KUBERNETES,
        ["`prod`"],
        cluster="arn:aws:eks:eu-west-1:123456789012:cluster/prod",
    ),
    _change("cluster-eks-long", KUBERNETES, ["at most 100"], cluster="c" * 101),
    _change("cluster-gke-upper", GKE, ["`prod`"], cluster="Prod"),
    _change("cluster-gke-long", GKE, ["at most 40"], cluster="c" * 41),
    _change("cluster-gke-digit", GKE, ["a letter first"], cluster="1cluster"),
    _change("cluster-aks-group", AKS, ["holds a `/`"], cluster="ml-platform/prod"),
    _change("cluster-aks-dash", AKS, ["both ends"], cluster="prod-"),
    _change("namespace-upper", KUBERNETES, ["`ml`"], namespace="ML"),
    _change("namespace-underscore", KUBERNETES, ["`ml-team`"], namespace="ml_team"),
    _change("namespace-long", KUBERNETES, ["at most 63"], namespace="n" * 64),
    _change("project-number", VERTEX, ["number, not its id"], project="123456789012"),
    _change("project-shape", VERTEX, ["6 to 30"], project="My_Project"),
    _change("project-other", VERTEX, ["`my-project`"], project="other-project"),
    _change("subscription-shape", AZUREML, ["UUID"], subscription_id="my-subscription"),
    _change("subscription-short", AZUREML, ["UUID"], subscription_id="0000-0123"),
    _change("group-sign", AZUREML, ["at most 90"], resource_group="ml platform"),
    _change("group-dot", AZUREML, ["no `.` last"], resource_group="ml."),
    _change(
        "group-id", AZUREML, ["resource id"], resource_group="/subscriptions/x/resourceGroups/y"
    ),
    _change("workspace-short", AZUREML, ["3 to 33"], workspace="ab"),
    _change("workspace-sign", AZUREML, ["3 to 33"], workspace="team.ml"),
]

ROLES = [
    _change(
        "role-word",
        SAGEMAKER,
        ["`arn:aws:iam::123456789012:role/notanarn`"],
        execution_role="notanarn",
    ),
    _change(
        "role-user", SAGEMAKER, ["names a user"], execution_role="arn:aws:iam::123456789012:user/me"
    ),
    _change(
        "role-profile",
        SAGEMAKER,
        ["names a instance-profile"],
        execution_role="arn:aws:iam::123456789012:instance-profile/x",
    ),
    _change("role-account", SAGEMAKER, ["12 digits"], execution_role="arn:aws:iam::12345:role/x"),
    _change(
        "role-service",
        SAGEMAKER,
        ["not the ARN of an IAM role"],
        execution_role="arn:aws:s3:::my-bucket",
    ),
    _change(
        "role-session",
        SAGEMAKER,
        ["`arn:aws:iam::123456789012:role/dev`"],
        execution_role="arn:aws:sts::123456789012:assumed-role/dev/me",
    ),
    _change(
        "role-empty-name",
        SAGEMAKER,
        ["not the ARN"],
        execution_role="arn:aws:iam::123456789012:role/",
    ),
    _change(
        "role-china",
        SAGEMAKER,
        ["partition `aws-cn`"],
        execution_role="arn:aws-cn:iam::123456789012:role/x",
    ),
]

ACCESS = [
    _change(
        "credentials-and-connector",
        KUBERNETES,
        ["exclude each other"],
        credentials="implicit",
        connector="shared",
    ),
    _change(
        "credentials-kind",
        KUBERNETES,
        ["--credentials", "aws-access-keys"],
        credentials=f"aws-acess-keys:AKIA:{SECRET}",
    ),
    _change("credentials-unknown", KUBERNETES, ["no known kind"], credentials=SECRET),
    _change("credentials-empty", KUBERNETES, ["credentials is empty"], credentials=""),
    _change(
        "credentials-env", KUBERNETES, ["NO_SUCH_VARIABLE"], credentials="env:NO_SUCH_VARIABLE"
    ),
    _change("credentials-file", KUBERNETES, ["does not exist"], credentials="file:/nope/key"),
    _change(
        "credentials-incomplete",
        KUBERNETES,
        ["SECRET missing"],
        credentials=f"aws-access-keys:{SECRET}",
    ),
    _change("credentials-other-cloud", VERTEX, ["are for AWS"], credentials="aws-profile:prod"),
    _change(
        "credentials-azure-token",
        AZUREML,
        ["blob storage"],
        credentials=f"azure-access-token:{SECRET}",
    ),
    _change(
        "credentials-gcp-file",
        VERTEX,
        ["does not exist"],
        credentials="gcp-service-account:/nope.json",
    ),
    _change("connector-empty", KUBERNETES, ["connector is empty"], connector=""),
    _change("connector-long", KUBERNETES, ["at most 255"], connector="c" * 256),
]

EXTRAS = [
    _bad("extra-no-value", argv(VERTEX, "--extra", "orchestrator.synchronous"), "lacks `=VALUE`"),
    _bad("extra-no-field", argv(VERTEX, "--extra", "orchestrator=1"), "names no field"),
    _bad(
        "extra-target",
        argv(VERTEX, "--extra", "orchestator.synchronous=true"),
        "Did you mean `orchestrator`?",
    ),
    _bad(
        "extra-target-dash",
        argv(VERTEX, "--extra", "artifact-store.x=1"),
        "Did you mean `artifact_store`?",
    ),
    _bad(
        "extra-target-word",
        argv(VERTEX, "--extra", "registry.x=1"),
        "Did you mean `container_registry`?",
    ),
    _bad("extra-target-far", argv(VERTEX, "--extra", "banana.x=1"), "they are orchestrator"),
    _bad("extra-empty-part", argv(VERTEX, "--extra", "orchestrator..x=1"), "single dots"),
    _bad(
        "extra-empty-value",
        argv(VERTEX, "--extra", "orchestrator.pipeline_root="),
        "no value",
        "=''",
    ),
    _bad("extra-broken-list", argv(VERTEX, "--extra", "orchestrator.x=[a, b"), "read as YAML"),
    _bad(
        "extra-broken-map",
        argv(VERTEX, "--extra", f"orchestrator.x={{a: '{SECRET}"),
        "read as YAML",
    ),
    _bad(
        "extra-conflict",
        argv(VERTEX, "--extra", "orchestrator.x=1", "--extra", "orchestrator.x.y=2"),
        "`orchestrator.x` is a mapping in one place",
    ),
    _bad(
        "extra-conflict-back",
        argv(VERTEX, "--extra", "orchestrator.x.y=2", "--extra", "orchestrator.x=1"),
        "`orchestrator.x` is a mapping in one place",
    ),
    _bad(
        "extra-named-path",
        argv(VERTEX, "--extra", "artifact_store.path=gs://other"),
        "artifact_store.path is set by artifact_store",
    ),
    _bad(
        "extra-named-uri",
        argv(VERTEX, "--extra", "container_registry.uri=ghcr.io"),
        "set by container_registry",
    ),
    _bad(
        "extra-named-location",
        argv(VERTEX, "--extra", "orchestrator.location=us-east1"),
        "set by region",
    ),
    _bad(
        "extra-named-namespace",
        argv(KUBERNETES, "--extra", "orchestrator.kubernetes_namespace=ml"),
        "set by namespace",
    ),
    _bad(
        "extra-two-repositories",
        argv(
            SAGEMAKER,
            "--extra",
            "container_registry.default_repository=b",
            container_registry="123456789012.dkr.ecr.eu-west-1.amazonaws.com/agents",
        ),
        "another repository",
    ),
    _bad(
        "extra-local-registry",
        ["dev", "--extra", "container_registry.x=1"],
        "no container registry",
    ),
]

_VERTEX_YAML = """\
name: prod
type: vertex
artifact_store: gs://my-bucket/kitaru
container_registry: us-central1-docker.pkg.dev/my-project/my-repo
region: us-central1
"""
FILES = [
    _bad("file-missing", ["-f", "nope.yaml"], "nope.yaml", "no such file"),
    BadInput("file-near", ("-f", "stack.yml"), ("Did you mean `stack.yaml`?",), "name: dev"),
    _bad("file-folder", ["-f", "."], "a folder"),
    _file("file-empty", "", "stack.yaml", "is empty"),
    _file("file-comment", "# nothing\n", "is empty"),
    _file("file-list", "- name: dev\n", "a list, not a mapping"),
    _file("file-text", "just words\n", "text, not a mapping"),
    _file("file-binary", b"\x00\x01\x02", "no text has"),
    _file("file-latin1", b"name: dev\nregion: \xe9\n", "stack.yaml:2", "UTF-8"),
    _file("file-tab", "name: dev\nextra:\n\torchestrator: {}\n", "stack.yaml:3", "tab"),
    _file("file-colon", "name: dev: prod\n", "stack.yaml:1", "`:`"),
    _file("file-bracket", "name: [dev\n", "not YAML"),
    _file("file-quote", f"name: dev\ncredentials: '{SECRET}\n", "not YAML"),
    _file("file-two", "name: dev\n---\nname: prod\n", "stack.yaml:2", "more than one"),
    _file("file-alias", "name: *dev\n", "stack.yaml:1", "no anchor"),
    _file("file-loop", "name: dev\nextra: &a\n  orchestrator: *a\n", "stands in"),
    _file(
        "file-bomb",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "expands to more",
    ),
    _file("file-deep", "a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
    _file("file-large", "# " + "x" * 1_000_001, "more than 1000000"),
    _file("file-python-tag", "name: !!python/object/apply:os.getpid []\n", "stack.yaml:1", "tag"),
    _file("file-own-tag", f"name: dev\ncredentials: !{SECRET}\n", "stack.yaml:2", "tag"),
    _file("file-twice", "name: dev\ntype: local\nname: prod\n", "stack.yaml:3", "line 1"),
    _file("file-key-list", "[a]: b\n", "a key is a list"),
    _file("key-near", "name: dev\nartifact_stor: s3://b\n", "stack.yaml:2", "`artifact_store`?"),
    _file("key-dash", "name: dev\nartifact-store: s3://b\n", "Did you mean `artifact_store`?"),
    _file("key-word", "name: dev\nbucket: s3://b\n", "Did you mean `artifact_store`?"),
    _file("key-location", "name: dev\nlocation: x\n", "Did you mean `region`?"),
    _file("key-far", "name: dev\nbanana: 1\n", "`banana` is not a key", "The keys are"),
    _file("key-number", "name: dev\n7: x\n", "`7` is not a key"),
    _file("kind-number", "name: 123\n", "stack.yaml:1", '`name: "123"`'),
    _file("kind-bool", "name: true\n", "true or false", "quotes"),
    _file("kind-float", "name: 1.5\n", "a number", "quotes"),
    _file("kind-list", "name: [dev]\n", "not a list"),
    _file("kind-map", "name: {first: dev}\n", "not a mapping"),
    _file("kind-switch-yes", "name: dev\nactivate: yes\n", "stack.yaml:2", "`activate: true`"),
    _file("kind-switch-text", 'name: dev\nverify: "false"\n', "`verify: false`"),
    _file("kind-switch-number", "name: dev\nactivate: 1\n", "not a number", "`activate: true`"),
    _file("kind-secret-number", "name: dev\ncredentials: 4711\n", "credentials has to be text"),
    _file("kind-type-list", "name: dev\ntype: [local]\n", "type has to be text"),
    _file("kind-type-number", "name: dev\ntype: 0\n", "type has to be text"),
    _file("kind-extra", "name: dev\nextra: [a]\n", "extra has to be a mapping"),
    _file(
        "kind-extra-target",
        "name: dev\nextra:\n  orchestrator: 1\n",
        "stack.yaml:3",
        "extra.orchestrator has to be a mapping",
    ),
    _file(
        "extra-file-target",
        "name: dev\nextra:\n  runner: {}\n",
        "stack.yaml:3",
        "Did you mean `orchestrator`?",
    ),
    _file(
        "extra-file-field",
        "name: dev\nextra:\n  orchestrator:\n    a-b: 1\n",
        "stack.yaml:4",
        "cannot be a field",
    ),
    _file(
        "extra-file-twice",
        "name: dev\nextra:\n  orchestrator:\n    a: 1\n    a: 2\n",
        "stack.yaml:5",
        "stands twice",
    ),
    _file(
        "extra-file-conflict",
        f"{_VERTEX_YAML}extra:\n  orchestrator:\n    x: {{y: 1}}\n",
        "is a mapping in one place",
        words=("--extra", "orchestrator.x=1"),
    ),
    _file(
        "file-region",
        _VERTEX_YAML.replace("region: us-c", "region: us-east-1 # us-c"),
        "stack.yaml:5",
        "one of AWS",
    ),
    _file(
        "file-flag-wins", _VERTEX_YAML, "--region", "one of AWS", words=("--region", "us-east-1")
    ),
    _file(
        "file-missing-key", _VERTEX_YAML.replace("region: ", "# "), "stack.yaml: region is missing"
    ),
    _file("file-empty-key", _VERTEX_YAML.replace("us-central1\n", "\n"), "region is missing"),
    _file("file-belonging", f"{_VERTEX_YAML}cluster: c\n", "stack.yaml:6", "no cluster"),
    _file("file-forgot-type", "name: dev\ncluster: c\n", "Add `--type kubernetes`"),
    _file("infra-near", f"{_VERTEX_YAML}infra: provison\n", "Did you mean `provision`?"),
    _file("infra-bool", f"{_VERTEX_YAML}infra: true\n", "infra has to be text"),
    _file(
        "resources-near",
        f"{_VERTEX_YAML}infra: verify\nresources:\n  buket: existing\n",
        "stack.yaml:8",
        "Did you mean `bucket`?",
    ),
    _file(
        "resources-type",
        f"{_VERTEX_YAML}infra: verify\nresources:\n  cluster: existing\n",
        "no resource `cluster`",
    ),
    _file(
        "resources-mode",
        f"{_VERTEX_YAML}infra: verify\nresources:\n  bucket: make\n",
        "not a mode of a resource",
    ),
    _file(
        "resources-bool",
        f"{_VERTEX_YAML}infra: verify\nresources:\n  bucket: true\n",
        "has to be text",
    ),
    _file(
        "resources-list",
        f"{_VERTEX_YAML}infra: verify\nresources: [bucket]\n",
        "resources has to be a mapping",
    ),
    _file(
        "resources-create",
        f"{_VERTEX_YAML}infra: verify\nresources:\n  bucket: create\n",
        "`create` needs `infra: provision`",
    ),
    _file("resources-none", f"{_VERTEX_YAML}resources:\n  bucket: existing\n", "no effect"),
    _file(
        "resources-existing-missing",
        "name: prod\ntype: sagemaker\nregion: eu-west-1\ninfra: provision\n"
        "resources:\n  bucket: existing\n",
        "artifact_store is missing",
        "bucket is `existing`",
    ),
    _file(
        "resources-other-registry",
        "name: prod\ntype: kubernetes\nregion: eu-west-1\ninfra: provision\n"
        "artifact_store: s3://my-bucket\ncontainer_registry: ghcr.io/me\n"
        "resources:\n  registry: create\n",
        "cannot be created",
    ),
    _file(
        "all-file",
        "name: a/b\ntyp: vertex\ntype: vertex\nregion: us-east-1\ncluster: c\n",
        "stack.yaml:1",
        "stack.yaml:2",
        "stack.yaml:4",
        "stack.yaml:5",
        "artifact_store is missing",
        "container_registry is missing",
        problems=6,
    ),
    _bad("infra-flag", argv(VERTEX, infra="verfy"), "--infra", "Did you mean `verify`?"),
]

BAD_INPUTS: list[BadInput] = [
    *NAMES,
    *TYPES,
    *MISSING,
    *BELONGING,
    *STORES,
    *REGISTRIES,
    *CLOUDS,
    *PLACES,
    *ROLES,
    *ACCESS,
    *EXTRAS,
    *FILES,
]
