"""AWS on loopback: a moto server in its own process, seeded through the real boto3."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from tests.servers.process import ChildProcess, clean_environment, listening_socket

ACCOUNT_ID = "123456789012"
STRANGER = "210987654321"
REGION = "eu-west-1"
ADMINISTRATOR_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/administrator"

#: moto patches botocore where it is imported, so it stays out of the test process.
_PROGRAM = """
import copy, sys
import xmltodict
from moto.iam.models import IAMBackend
from moto.s3.responses import S3Response
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

sys.path.insert(0, sys.argv[2])
from eks_parts import EksParts

# 1,400 documents, read anew with each reset: a second.
read, known = IAMBackend._init_aws_policies, {}


def policies(backend):
    place = backend.account_id, backend.region_name
    if place not in known:
        known[place] = read(backend)
    return [copy.copy(policy) for policy in known[place]]


IAMBackend._init_aws_policies = policies
put = S3Response._bucket_response_put


def tagged(response, request, bucket_name, querystring):
    # What moto does not know: the tags that a bucket is created with.
    answer = put(response, request, bucket_name, querystring)
    body = response.body or b""
    if b"<CreateBucketConfiguration" in body and b"<Tags>" in body:
        given = xmltodict.parse(body, force_list=("Tag",))["CreateBucketConfiguration"]["Tags"]
        tags = {one["Key"]: one["Value"] or "" for one in given["Tag"]}
        response.backend.put_bucket_tagging(bucket_name, tags)
    return answer


S3Response._bucket_response_put = tagged
app = EksParts(DomainDispatcherApplication(create_backend_app))


def owned(environ, respond):
    # What moto does not know: the owner that a caller of S3 expects.
    from moto.s3.models import s3_backends

    expected = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER")
    name = environ["PATH_INFO"].lstrip("/").partition("/")[0]
    owner = s3_backends.bucket_accounts.get(name, ("aws", ""))[1]
    if expected and owner and expected != owner:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        headers = [("Content-Type", "application/xml"), ("x-amz-request-id", "not-the-owner")]
        respond("403 Forbidden", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
    return app(environ, respond)


make_server("127.0.0.1", 0, owned, threaded=True, fd=int(sys.argv[1])).serve_forever()
"""
_ANY_KEYS = ("AKIALOOPBACK00000000", "loopback-secret-access-key")
_ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


class AwsLoopback:
    """S3, ECR, EKS (metadata), IAM, STS and SageMaker of one account.

    Any keys are accepted until `require_valid_keys()`. AWS's managed policies are there only on
    demand: with them every `reset()` takes a second.
    """

    account_id = ACCOUNT_ID
    region = REGION

    def __init__(self, directory: Path, *, managed_policies: bool = False) -> None:
        self._managed_policies = managed_policies
        self._directory = directory
        self._process = ChildProcess("moto", directory / "moto.log")
        self._port = 0
        self._keys = _ANY_KEYS
        self._strict = False
        #: A client takes boto3 half a second to make.
        self._clients: dict[tuple[str, ...], Any] = {}
        self._boto3 = boto3.session.Session()

    def __enter__(self) -> AwsLoopback:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def access_key_id(self) -> str:
        return self._keys[0]

    @property
    def secret_access_key(self) -> str:
        return self._keys[1]

    def start(self) -> None:
        listener = listening_socket()
        self._port = listener.getsockname()[1]
        env = clean_environment(self._directory / "home") | {
            "AWS_ACCESS_KEY_ID": _ANY_KEYS[0],
            "AWS_SECRET_ACCESS_KEY": _ANY_KEYS[1],
            "AWS_DEFAULT_REGION": REGION,
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true" if self._managed_policies else "false",
        }
        command = [
            sys.executable,
            "-c",
            _PROGRAM,
            str(listener.fileno()),
            str(Path(__file__).parent),
        ]
        self._process.start(command, env, listener=listener)
        self._process.wait_until(self._is_up, timeout=60)

    def stop(self) -> None:
        self._process.stop()

    def env(self, *, credentials: bool = True) -> dict[str, str]:
        """For a process whose AWS is this one; without credentials as if nobody had logged in."""
        nowhere = str(self._directory / "no-such-file")
        values = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        }
        if credentials:
            values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"] = self._keys
        return values

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the account's owner."""
        wanted = (service, region, *self._keys)
        if wanted not in self._clients:
            self._clients[wanted] = self._boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=self._keys[0],
                aws_secret_access_key=self._keys[1],
                config=Config(proxies={}, retries={"max_attempts": 1}),
            )
        return self._clients[wanted]

    def reset(self) -> None:
        """Forget every resource, and accept any keys again."""
        self.accept_any_keys()
        self._post("/moto-api/reset").raise_for_status()

    def require_valid_keys(self) -> tuple[str, str]:
        """From now on only real access keys work, with what IAM allows them.

        Returns the keys of a new administrator (ADMINISTRATOR_ARN); `env()` carries them. Trust
        the refusals of moto's S3 and STS only: other services look at the keys less closely.
        A role's trust must name the caller's very ARN: moto knows no `:root`.
        """
        if self._strict:
            return self._keys
        iam = self.client("iam")
        iam.create_user(UserName="administrator")
        iam.put_user_policy(
            UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(_ALLOW_ALL)
        )
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        self._keys = (key["AccessKeyId"], key["SecretAccessKey"])
        self._post("/moto-api/reset-auth", "0").raise_for_status()
        self._strict = True
        return self._keys

    def accept_any_keys(self) -> None:
        self._post("/moto-api/reset-auth", "Infinity").raise_for_status()
        self._keys = _ANY_KEYS
        self._strict = False

    def user(self, name: str, policy: dict[str, Any] | None = None) -> tuple[str, str]:
        """A new user's access key id and secret; without a policy it may do nothing."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy is not None:
            iam.put_user_policy(
                UserName=name, PolicyName="inline", PolicyDocument=json.dumps(policy)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def session_token(self) -> tuple[str, str, str]:
        """Temporary credentials: key id, secret, token."""
        found = self.client("sts").get_session_token()["Credentials"]
        return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]

    def bucket(self, name: str, region: str = REGION) -> str:
        """Create a bucket; returns its URI."""
        where: dict[str, Any] = (
            {}
            if region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        self.client("s3", region).create_bucket(Bucket=name, **where)
        return f"s3://{name}"

    def stranger(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of another account, STRANGER."""
        client = self._boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="AKIASTRANGER00000000",
            aws_secret_access_key="another-secret-access-key",
            config=Config(proxies={}, retries={"max_attempts": 1}),
        )
        client.meta.events.register(
            "before-sign.*",
            lambda request, **_: request.headers.add_header("x-moto-account-id", STRANGER),
        )
        return client

    def registry_host(self, region: str = REGION) -> str:
        return f"{ACCOUNT_ID}.dkr.ecr.{region}.amazonaws.com"

    def repository(self, name: str, region: str = REGION) -> str:
        """Create an ECR repository; returns its URI."""
        self.client("ecr", region).create_repository(repositoryName=name)
        return f"{self.registry_host(region)}/{name}"

    def role(
        self,
        name: str,
        trust: str | dict[str, Any] = "sagemaker.amazonaws.com",
        policy: dict[str, Any] | None = None,
    ) -> str:
        """Create a role with a service (its host name) or a document as trust; returns its ARN."""
        document = trust if isinstance(trust, dict) else service_trust(trust)
        iam = self.client("iam")
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        if policy is not None:
            iam.put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy)
            )
        arn: str = created["Role"]["Arn"]
        return arn

    def cluster(
        self, name: str, region: str = REGION, *, node_groups: int = 1, **settings: Any
    ) -> str:
        """Create an EKS cluster, ACTIVE at once, with node groups; returns its ARN."""
        eks = self.client("eks", region)
        subnets = [
            found["SubnetId"] for found in self.client("ec2", region).describe_subnets()["Subnets"]
        ]
        created = eks.create_cluster(
            name=name,
            roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}-cluster",
            resourcesVpcConfig={"subnetIds": subnets[:2]},
            **settings,
        )
        for number in range(node_groups):
            eks.create_nodegroup(
                clusterName=name,
                nodegroupName=f"{name}-{number}",
                subnets=subnets[:2],
                nodeRole=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}-node",
            )
        arn: str = created["cluster"]["arn"]
        return arn

    def _is_up(self) -> bool:
        return self._session().get(self.url + "/moto-api/", timeout=60).ok

    def _post(self, path: str, body: str = "") -> requests.Response:
        return self._session().post(self.url + path, data=body, timeout=60)

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session


def service_trust(service: str) -> dict[str, Any]:
    """A trust document for one AWS service."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }


def principal_trust(principal: str, external_id: str | None = None) -> dict[str, Any]:
    """A trust document for one AWS principal, optionally with an external id."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}
