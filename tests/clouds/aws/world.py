"""One AWS for all check tests, with fit resources under names of their own for each test."""

from __future__ import annotations

import base64
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from kitaru_iac.checks.model import CheckReport, CheckResult, run_checks
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import policy, trust_policy
from kitaru_iac.clouds.aws.verify import checks_for
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.doubles.aws import ACCOUNT_ID, REGION, AwsLoopback
from tests.doubles.faults import AwsFaults
from tests.doubles.kubernetes import KubernetesLoopback
from tests.doubles.simulator import PolicySimulator
from tests.doubles.tls import ThrowAwayCA
from tests.doubles.web import Request, Response

_numbers = itertools.count(1)
TIMEOUT = 60.0


class World:
    """What a test sees: moto, the faults in front of it, and names that nobody has used."""

    def __init__(self, aws: AwsLoopback, faults: AwsFaults) -> None:
        self.aws = aws
        self.faults = faults
        self.simulator = PolicySimulator(aws)
        faults.answer("iam:SimulatePrincipalPolicy", self.simulator)
        self.creation_templates()
        # moto has no Access Analyzer.
        faults.answer("accessanalyzer:ValidatePolicy", as_json({"findings": []}))
        faults.answer("accessanalyzer:CheckNoPublicAccess", as_json({"result": "PASS"}))
        self.quotas(8)
        number = next(_numbers)
        self.stack = f"stack{number}"
        self.bucket = f"bucket-{number}"
        self.repository = f"images-{number}"
        self.cluster = f"cluster-{number}"
        self.role = f"arn:aws:iam::{ACCOUNT_ID}:role/exec-{number}"
        self.scheduler = f"arn:aws:iam::{ACCOUNT_ID}:role/scheduler-{number}"
        self.node_role = f"arn:aws:iam::{ACCOUNT_ID}:role/{self.cluster}-node"
        self.credentials: str | None = None
        self._cluster_fields: dict[str, Any] = {}

    # --- descriptions

    def _common(self, **over: Any) -> dict[str, Any]:
        given = {
            "name": self.stack,
            "artifact_store": f"s3://{self.bucket}/prefix",
            "container_registry": self.aws.registry_host(),
            "region": REGION,
            "credentials": self.credentials,
            "extra": {"container_registry": {"default_repository": self.repository}},
            **over,
        }
        return {key: value for key, value in given.items() if value is not None}

    def kubernetes(self, **over: Any) -> BaseSpec:
        return from_mapping(self._common(type="kubernetes", cluster=self.cluster) | over)

    def sagemaker(self, **over: Any) -> BaseSpec:
        return from_mapping(self._common(type="sagemaker", execution_role=self.role) | over)

    def scheduled(self, **over: Any) -> BaseSpec:
        spec = self._common(type="sagemaker", execution_role=self.role)
        orchestrator = {"scheduler_role": self.scheduler}
        return from_mapping(
            {**spec, "extra": {**spec["extra"], "orchestrator": orchestrator}} | over
        )

    def local(self, **over: Any) -> BaseSpec:
        given = self._common(type="local")
        del given["container_registry"], given["extra"]
        return from_mapping(given | over)

    # --- fit resources

    def s3(self) -> Any:
        return self.client("s3")

    def client(self, service: str, region: str = REGION) -> Any:
        return _client(self.aws, service, region)

    def make_bucket(self, region: str = REGION) -> None:
        self.aws.bucket(self.bucket, region)

    def fit_bucket(self) -> None:
        self.make_bucket()
        s3, name = self.s3(), self.bucket
        s3.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(SWITCHES, True)
        )
        self.encrypt({"SSEAlgorithm": "AES256"})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.bucket_policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )

    def encrypt(self, default: Mapping[str, str]) -> None:
        self.s3().put_bucket_encryption(
            Bucket=self.bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": dict(default)}]
            },
        )

    def bucket_policy(self, *statements: Mapping[str, Any]) -> None:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self.s3().put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(document))

    def fit_repository(self, **settings: Any) -> None:
        self.client("ecr").create_repository(
            repositoryName=self.repository,
            imageScanningConfiguration={"scanOnPush": True},
            **settings,
        )

    def creation_templates(self, *templates: Mapping[str, Any], page: int = 0) -> None:
        """Answer for the registry's templates, which moto does not have; `page` to an answer."""
        every = [{"appliedFor": ["CREATE_ON_PUSH"], **template} for template in templates]

        def answer(request: Request) -> Response:
            start = int(json.loads(request.body).get("nextToken", 0))
            end = start + (page or len(every))
            more = {"nextToken": str(end)} if end < len(every) else {}
            return as_json({"repositoryCreationTemplates": every[start:end], **more})

        self.faults.answer("ecr:DescribeRepositoryCreationTemplates", answer)

    def key(self, **settings: Any) -> str:
        """Make a KMS key, and encrypt the bucket with it; returns its id."""
        made = self.client("kms").create_key(**settings)["KeyMetadata"]
        self.encrypt({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": made["Arn"]})
        return str(made["KeyId"])

    def fit_cluster(self, *, node_groups: int = 1) -> None:
        """moto knows nothing of access entries and endpoints: its answers get them on their way."""
        self.aws.cluster(self.cluster, node_groups=node_groups)
        self.version_is("STANDARD_SUPPORT")
        self.cluster_says(
            accessConfig={"authenticationMode": "API"},
            resourcesVpcConfig={
                "endpointPublicAccess": True,
                "endpointPrivateAccess": True,
                "publicAccessCidrs": ["203.0.113.7/32"],
            },
        )
        self.cluster_answers(200)
        self.access_entry({"policies": ["AmazonEKSAdminPolicy"]})
        for name in ("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"):
            self.client("eks").create_addon(clusterName=self.cluster, addonName=name)
        self.aws.role(f"{self.cluster}-node", "ec2.amazonaws.com")
        self.give(f"{self.cluster}-node", policy(self.kubernetes(), Identity.PULL))

    def cluster_answers(self, status: int | None, *denied: str) -> None:
        """Let the cluster's own API answer so, over TLS; None: under an unknown authority."""
        api = cluster_api()
        api.forget()
        api.namespaces, api.denied = ({"ml"} if status == 200 else set()), set(denied)
        api.objects, api.accounts, api.asks_for_others = {}, {}, True
        api.refusal = None if status in {None, 200, 404} else Response(status or 0, b"{}")
        trusted = authority() if status else ThrowAwayCA(Path(tempfile.mkdtemp()))
        self.cluster_says(**cluster_place(api, trusted))

    def cluster_has(self, *secrets: str) -> None:
        """Let the cluster have these secrets, as ``NAMESPACE/NAME``."""
        cluster_api().secrets = set(secrets)

    def version_is(self, status: str | None) -> None:
        """Answer for the versions of Kubernetes, which moto does not list."""

        def answer(request: Request) -> Response:
            version = request.query.get("clusterVersions", ["1.33"])[0]
            shown = {"clusterVersion": version, "versionStatus": status}
            return as_json({"clusterVersions": [shown] if status else []})

        self.faults.answer("eks:DescribeClusterVersions", answer)

    def give(self, role: str, document: Mapping[str, Any]) -> None:
        self.client("iam").put_role_policy(
            RoleName=role, PolicyName="given", PolicyDocument=json.dumps(document)
        )

    def unmanaged(self, addon: str, path: str, **status: int) -> None:
        """Let the cluster itself run an add-on, which EKS does not manage."""
        self.client("eks").delete_addon(clusterName=self.cluster, addonName=addon)
        cluster_api().objects[f"/apis/apps/v1/namespaces/kube-system/{path}"] = {"status": status}

    def pods_have(self, account: str, role: str | None = None) -> None:
        """Make a service account in the cluster, with a role by its annotation."""
        annotations = {"eks.amazonaws.com/role-arn": role} if role else {}
        cluster_api().accounts[f"default/{account}"] = annotations

    def forbid_asking_for_others(self) -> None:
        """Let the cluster deny reviews of what service accounts may do."""
        cluster_api().asks_for_others = False

    def addon_says(self, **fields: Any) -> None:
        self.faults.change("eks:DescribeAddon", lambda body: body["addon"].update(fields))

    def pods_become(self, trust: Mapping[str, Any]) -> None:
        """Associate the steps' service account with a role of this trust."""
        role = f"{self.cluster}-pods"
        self.aws.role(role, dict(trust))
        self.give(role, policy(self.kubernetes(), Identity.RUNTIME))
        self.client("eks").create_pod_identity_association(
            clusterName=self.cluster,
            namespace="default",
            serviceAccount="default",
            roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{role}",
        )

    def pods_have_by_token(self, subject: str) -> None:
        """Annotate the steps' service account with a role that lets this subject's tokens in."""
        role, iam = f"{self.cluster}-irsa", self.client("iam")
        found = self.client("eks").describe_cluster(name=self.cluster)["cluster"]
        url = found["identity"]["oidc"]["issuer"]
        issuer = url.removeprefix("https://")
        provider = f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{issuer}"
        with suppress(iam.exceptions.EntityAlreadyExistsException):  # moto has one for all clusters
            iam.create_open_id_connect_provider(
                Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=[]
            )
        own = {f"{issuer}:sub": subject}
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": own},
        }
        self.aws.role(role, {"Version": "2012-10-17", "Statement": [statement]})
        self.give(role, policy(self.kubernetes(), Identity.RUNTIME))
        self.pods_have("default", f"arn:aws:iam::{ACCOUNT_ID}:role/{role}")

    def cluster_says(self, **fields: Any) -> None:
        self._cluster_fields.update(fields)
        said = self._cluster_fields
        self.faults.change("eks:DescribeCluster", lambda body: body["cluster"].update(said))

    def node_group_says(self, **fields: Any) -> None:
        self.faults.change("eks:DescribeNodegroup", lambda body: body["nodegroup"].update(fields))

    def access_entry(
        self, entry: Mapping[str, Any] | None, scope: Mapping[str, Any] | None = None
    ) -> None:
        """Answer for the access entries, which moto does not have."""
        if entry is None:
            self.faults.fail("eks:DescribeAccessEntry", "ResourceNotFoundException", status=404)
            return
        shown = {
            "principalArn": "whoever",
            "kubernetesGroups": list(entry.get("groups", ())),
        }
        policies = [
            {
                "policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}",
                "accessScope": scope or {"type": "cluster", "namespaces": []},
            }
            for name in entry.get("policies", ())
        ]
        self.faults.answer("eks:DescribeAccessEntry", as_json({"accessEntry": shown}))
        self.faults.answer(
            "eks:ListAssociatedAccessPolicies", as_json({"associatedAccessPolicies": policies})
        )

    def fit_role(self, trust: Mapping[str, Any] | None = None) -> None:
        name = self.role.rsplit("/", 1)[-1]
        self.aws.role(name, dict(trust or trust_policy(self.sagemaker())))
        self.give(name, policy(self.sagemaker(), Identity.RUNTIME))

    def fit_scheduler(self, trust: Mapping[str, Any] | None = None) -> None:
        name, spec = self.scheduler.rsplit("/", 1)[-1], self.scheduled()
        self.aws.role(name, dict(trust or trust_policy(spec, Identity.SCHEDULER)))
        self.give(name, policy(spec, Identity.SCHEDULER))

    def quotas(self, value: float | None, *names: str, page: int = 0) -> None:
        """Answer for SageMaker's quotas, which moto does not list; `page` to an answer.

        Unless named, it is that of the instances that ZenML takes unless told otherwise.
        """
        default = "ml.m5.xlarge for training job usage"
        known = {} if value is None else {"Value": value}
        every = [{"QuotaName": name, "QuotaCode": "L-611FA074", **known} for name in names]
        if not names or page:
            every.append({"QuotaName": default, "QuotaCode": "L-CCE2AFA6", **known})

        def answer(request: Request) -> Response:
            start = int(json.loads(request.body).get("NextToken", 0))
            end = start + (page or len(every))
            more = {"NextToken": str(end)} if end < len(every) else {}
            return as_json({"Quotas": every[start:end], **more})

        self.faults.answer("service-quotas:ListServiceQuotas", answer)

    def log_in_as(self, document: Mapping[str, Any] | None) -> str:
        """The description's credentials become a new user's; returns its name."""
        name = f"user-of-{self.stack}"
        key, secret = self.aws.user(name, None if document is None else dict(document))
        self.credentials = f"aws-access-keys:{key}:{secret}"
        return name

    # --- checking

    def check(self, spec: BaseSpec, id: str, timeout: float = TIMEOUT, **how: Any) -> CheckResult:
        """Run one check of the description, and nothing that it does not need."""
        found = [c for c in checks_for(spec, timeout=timeout, **how) if c.info.id == id]
        assert len(found) == 1, f"{id} is not among the checks of {spec.type}"
        return run_checks(found, timeout)[0]

    def verify(self, spec: BaseSpec, timeout: float = TIMEOUT) -> CheckReport:
        checks = checks_for(spec, timeout=timeout)
        return CheckReport(spec.name, run_checks(checks, timeout))


@cache
def authority() -> ThrowAwayCA:
    return ThrowAwayCA(Path(tempfile.mkdtemp()))


@cache
def cluster_api() -> KubernetesLoopback:
    """A cluster's API: it lets in all who bring a token of EKS's form."""
    api = KubernetesLoopback(authority(), lambda token: (token or "").startswith("k8s-aws-v1."))
    api.start()
    return api


def cluster_place(api: KubernetesLoopback, trusted: ThrowAwayCA) -> dict[str, Any]:
    """Where a cluster is, as EKS tells it."""
    data = base64.b64encode(trusted.bundle.read_bytes()).decode()
    return {"endpoint": f"https://{api.endpoint}", "certificateAuthority": {"data": data}}


@cache
def _client(aws: AwsLoopback, service: str, region: str) -> Any:
    """Making a client costs more than asking it."""
    return aws.client(service, region)


SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def as_json(value: Any) -> Response:
    return Response(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


@contextmanager
def account_blocks_public_access(world: World) -> Iterator[None]:
    """The account's own switches are one for all tests: set, and taken back."""
    control = world.aws.client("s3control")
    # S3 Control's host begins with the account; moto listens on an address alone.
    control.meta.events.register(
        "before-send.s3-control", lambda request, **_: _to_loopback(request, world.aws.url)
    )
    control.put_public_access_block(
        AccountId=ACCOUNT_ID, PublicAccessBlockConfiguration=dict.fromkeys(SWITCHES, True)
    )
    try:
        yield
    finally:
        control.delete_public_access_block(AccountId=ACCOUNT_ID)


def _to_loopback(request: Any, url: str) -> None:
    request.url = url + "/v20180820" + request.url.partition("/v20180820")[2]
