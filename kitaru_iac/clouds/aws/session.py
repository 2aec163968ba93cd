"""Asking AWS through boto3, as the description's identity, with answers told apart."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

from kitaru_iac.checks.probes import NoCredentials, Unavailable
from kitaru_iac.clouds.aws.answers import require_answer
from kitaru_iac.clouds.aws.failures import code_of, failure, no_session
from kitaru_iac.errors import MissingPackages
from kitaru_iac.spec.credentials import Credentials

__all__ = ["AwsAccess", "require_boto3"]

#: S3, IAM and STS answer here for every commercial region; used where no region is known.
_FALLBACK_REGION = "us-east-1"


def require_boto3() -> None:
    """Make sure that AWS can be asked at all.

    Raises:
        MissingPackages: boto3 is not installed.
    """
    try:
        import boto3  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackages(
            "The AWS packages are not installed",
            why=f"Checking AWS needs boto3 ({error})",
            remedy="pip install 'kitaru-iac[aws]'",
        ) from error


class AwsAccess:
    """A boto3 session as one identity, and its clients, shared by all probes of one run.

    Args:
        credentials: The description's; None or ``implicit`` for this process's own.
        region: Where to ask.
        timeout: Seconds that one read may take.
    """

    def __init__(
        self, credentials: Credentials | None, region: str | None, timeout: float = 15.0
    ) -> None:
        self._credentials = credentials
        self._region = region
        self._timeout = timeout
        self._session: Any = None
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._closed = False
        self._lock = threading.Lock()  # boto3 sessions must not make clients in two threads

    @property
    def timeout(self) -> float:
        """Seconds that one read may take."""
        return self._timeout

    @property
    def region(self) -> str | None:
        """Where is asked, unless a question says otherwise."""
        return self._region

    @property
    def described_as(self) -> str:
        """Whose credentials are used, in words; without secrets."""
        if self._credentials is None or self._credentials.kind == "implicit":
            return "this process's own AWS credentials"
        return str(self._credentials)

    def open(self) -> None:
        """Find the credentials. Most kinds are found on this machine; some ask AWS for them.

        Raises:
            NoCredentials: There are none, or a role cannot be assumed.
            Unavailable: Whoever gives them does not answer.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        self._closed = False
        try:
            self._session = self._make_session()
            found = self._session.get_credentials()
            if found is not None:
                self._refuse_prompt(found.method)
                found.get_frozen_credentials()  # refreshes: SSO, a role, a container, an instance
        except (ClientError, BotoCoreError) as error:
            raise no_session(error, self._credentials, self._region) from error
        if found is None:
            raise NoCredentials(
                "there are no AWS credentials",
                "aws configure  # or `aws sso login`, or give --credentials aws-profile:NAME",
            )

    def close(self) -> None:
        """Close the connections that are kept alive, and take no question until it is opened again.

        What was left asking when a run gave up on it would open ones that nobody closes.
        """
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        """Close what is open now."""
        clients, self._clients = self._clients, {}  # without waiting for the making of another one
        for client in clients.values():
            client.close()

    def _refuse_prompt(self, method: str) -> None:
        """Refuse a profile whose role wants an MFA code: botocore would ask from a probe's thread.

        Raises:
            NoCredentials: The profile, or one that it takes its credentials from, has a device.
        """
        if method != "assume-role":
            return
        profiles = self._session._session.full_config.get("profiles", {})
        name, seen = self._session.profile_name, set()
        while name in profiles and name not in seen:
            seen.add(name)
            if profiles[name].get("mfa_serial"):
                chosen = self._session.profile_name
                raise NoCredentials(
                    f"the profile {name} wants an MFA code, which checks do not ask for",
                    f'eval "$(aws configure export-credentials --profile {chosen} --format env)"'
                    "  # asks for it; then without the profile",
                )
            name = profiles[name].get("source_profile")

    def ask(
        self,
        service: str,
        operation: str,
        *,
        about: str,
        absent: Collection[str] = (),
        none: Collection[str] = (),
        region: str | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Call one operation.

        Args:
            service: boto3's name, as ``s3``.
            operation: boto3's method, as ``get_bucket_versioning``.
            about: What it is about, for the words of an error.
            absent: Error codes of this operation that say: it does not exist.
            none: Error codes that say: it has no such setting. The answer is then empty.
            region: Another region than the session's.
            **parameters: The operation's parameters.

        Raises:
            ProbeError: Of the kind that the error's code says.
        """
        client = self._open_client(service, operation, about, region)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except Exception as error:  # botocore's have no common base; all are told apart
            if code_of(error) in none:
                return {}
            raise failure(error, service, operation, about, absent, self._region) from error
        require_answer(client, operation, answer, about, tells_none=bool(none))
        return answer

    def ask_all(
        self, service: str, operation: str, key: str, *, about: str, absent: Collection[str] = (),
        region: str | None = None, **parameters: Any,
    ) -> list[Any]:  # fmt: skip
        """Call a paginated operation and return all items under `key`. Raises as `ask`."""
        client = self._open_client(service, operation, about, region)
        try:
            pages = list(client.get_paginator(operation).paginate(**parameters))
        except Exception as error:
            raise failure(error, service, operation, about, absent, self._region) from error
        for page in pages:
            require_answer(client, operation, page, about)
        return [item for page in pages for item in page.get(key, ())]

    def eks_token(self, cluster: str) -> str:
        """Make a token with which the cluster of this name knows this identity, for a minute."""
        import base64

        from botocore.signers import RequestSigner

        client = self._client("sts", None)
        signer = RequestSigner(
            client.meta.service_model.service_id,
            client.meta.region_name,
            "sts",
            "v4",
            self._session.get_credentials(),
            self._session.events,
        )
        host = f"https://sts.{client.meta.region_name}.{self._dns_suffix(client)}"
        request = {
            "method": "GET",
            "url": f"{host}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        }
        url = signer.generate_presigned_url(
            request, region_name=client.meta.region_name, expires_in=60, operation_name=""
        )
        return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")

    @staticmethod
    def _dns_suffix(client: Any) -> str:
        return "amazonaws.com.cn" if client.meta.partition == "aws-cn" else "amazonaws.com"

    def _open_client(self, service: str, operation: str, about: str, region: str | None) -> Any:
        """Give a client for a question.

        Raises:
            ProbeError: It was closed, or there can be none.
        """
        try:
            client = self._client(service, region)
        except Exception as error:
            raise failure(error, service, operation, about, (), self._region) from error
        if self._closed:  # perhaps while it was made, which takes a moment; it has no connection
            raise Unavailable(f"{about} was not asked about: the checks have ended")
        return client

    def _client(self, service: str, region: str | None) -> Any:
        from botocore.config import Config

        where = region or self._region or self._session.region_name or _FALLBACK_REGION
        client = self._clients.get((service, where))
        if client is not None:
            return client  # without waiting for the making of another one
        with self._lock:
            client = self._clients.get((service, where))
            if client is None:
                config = Config(
                    connect_timeout=min(5.0, self._timeout),
                    read_timeout=self._timeout,
                    retries={"mode": "standard", "total_max_attempts": 2},
                    max_pool_connections=16,
                )
                client = self._session.client(service, region_name=where, config=config)
                self._clients[service, where] = client
        return client

    def _make_session(self) -> Any:
        import boto3

        given = self._credentials
        kind = "implicit" if given is None else given.kind
        if given is None or kind == "implicit":
            return boto3.session.Session(region_name=self._region)
        if kind == "aws-profile":
            return boto3.session.Session(
                profile_name=given.values["profile_name"], region_name=self._region
            )
        if kind == "aws-role":
            return self._as_role(given.values["role_arn"])
        if kind in {"aws-access-keys", "aws-session-token"}:
            return boto3.session.Session(
                region_name=self._region, **{k: str(v) for k, v in given.secrets.items()}
            )
        raise NoCredentials(
            f"{kind} are no credentials of AWS", "Give --credentials aws-profile:NAME"
        )

    def _as_role(self, role: str) -> Any:
        import boto3

        self._session = boto3.session.Session(region_name=self._region)
        base = self._session.get_credentials()
        if base is not None:
            self._refuse_prompt(base.method)
        answer = self._client("sts", None).assume_role(
            RoleArn=role, RoleSessionName="kitaru-verify"
        )
        self._let_go()
        made = answer["Credentials"]
        return boto3.session.Session(
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
            region_name=self._region,
        )
