"""An AWS on loopback that is thrown away: moto, in a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from kitaru_iac.errors import KitaruError, MissingPackages, UsageError
from kitaru_iac.machine import packages

__all__ = ["ACCOUNT", "REGION", "LocalAws", "local_aws", "running", "seen"]

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"

#: Variables that say who asks AWS, and where it is. A test does not see its user's.
_FOREIGN: Final = "AWS_"
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_HOST: Final = "127.0.0.1"
#: Seconds for moto to import and to answer: half of one, on a machine that does nothing else.
_START: Final = 120.0
_PROGRAM: Final = Path(__file__).with_name("_moto.py")


@dataclass(frozen=True, slots=True)
class LocalAws:
    """An AWS that is thrown away: S3, ECR, EKS, IAM, STS, SageMaker and more, as moto plays them.

    Attributes:
        url: Where it answers, on 127.0.0.1.
        account: The number of its account, 12 digits.
        region: The region of a process that names none.
    """

    url: str
    account: str
    region: str

    def environment(self) -> dict[str, str]:
        """Give the variables with which a child process sees this AWS, and no other one."""
        others = {name: text for name, text in os.environ.items() if not _is_foreign(name)}
        return {**others, **_variables(self)}

    def create(self, description: Mapping[str, object] | os.PathLike[str]) -> None:
        """Create what a description says is there: bucket, repository, cluster and role.

        What is there already stays. The cluster has one node group; the role trusts SageMaker.

        Args:
            description: The keys of stack.yaml, or a `pathlib.Path` to such a file.

        Raises:
            DescriptionError: What is wrong with the description: all of it.
            UsageError: It names another account than this one's, or nothing in AWS; or it is
                neither a mapping nor a path.
        """
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec import from_given
        from kitaru_iac.testing.aws_parts import create

        create(self, from_given(description, description_defaults))

    def reset(self) -> None:
        """Forget everything that was made."""
        self._ask("/moto-api/reset", b"")

    def _ask(self, path: str, body: bytes | None = None) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, data=body, timeout=60) as answer:
            answer.read()


@contextmanager
def local_aws(account: str = ACCOUNT, region: str = REGION) -> Iterator[LocalAws]:
    """Let this process see an empty AWS on loopback, and nothing of yours.

    boto3, the checks of `kitaru_iac` and ZenML's connectors ask it while the block runs. No
    variable that begins with ``AWS_`` is seen inside, nor are the files of your profiles; all are
    back afterwards. The process that plays it ends with this one, however it ends. It needs moto:
    ``pip install 'kitaru-iac[aws,testing]'``. A ZenML server looks at connectors in its own
    process, which sees the real AWS: use `local_store` with it. A client of boto3's that was made
    before the block asks whom it asked before.

    Args:
        account: The number of the account; that of your description's registry and role.
        region: The region of a process that names none.

    Yields:
        The AWS.

    Raises:
        UsageError: The account has not 12 digits.
        MissingPackages: moto or boto3 is not installed.
        KitaruError: moto does not start.

    Example:
        >>> from kitaru_iac.testing import local_aws
        >>> description = {
        ...     "name": "prod", "type": "sagemaker", "region": "eu-west-1",
        ...     "artifact_store": "s3://my-bucket/kitaru",
        ...     "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/agents",
        ...     "execution_role": "arn:aws:iam::123456789012:role/runner",
        ...     "credentials": "aws-access-keys:AKIAEXAMPLE:any-secret",
        ... }
        >>> with local_aws() as aws:
        ...     aws.create(description)
        ...     kitaru.verify(description).failed
        False
    """
    with running(account, region) as aws, seen(aws):
        yield aws


def _require_packages() -> None:
    if missing := packages.unmet(extra="testing"):
        raise MissingPackages(
            "An AWS on loopback needs moto",
            why=", ".join(missing),
            remedy=packages.install_command("aws,testing"),
        )


def _is_foreign(name: str) -> bool:
    return name.startswith(_FOREIGN) or name in _NO_PROXY


def _variables(aws: LocalAws) -> dict[str, str]:
    past = [host for name in _NO_PROXY for host in os.environ.get(name, "").split(",") if host]
    without = ",".join(dict.fromkeys([*past, _HOST]))
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "AKIALOCALAWS00000000",
        "AWS_SECRET_ACCESS_KEY": "a-key-of-no-account",
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_REGION": aws.region,
        # No profile, no role of the machine's.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(_NO_PROXY, without),
    }


@contextmanager
def seen(aws: LocalAws) -> Iterator[None]:
    """Let this process see an AWS, and no other one, while a block runs."""
    before = {name: text for name, text in os.environ.items() if _is_foreign(name)}
    _set(_variables(aws))
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if _is_foreign(name)]:
        del os.environ[name]
    os.environ.update(variables)
    if boto3 := sys.modules.get("boto3"):  # its own session has read other variables
        vars(boto3)["DEFAULT_SESSION"] = None


@contextmanager
def running(account: str = ACCOUNT, region: str = REGION) -> Iterator[LocalAws]:
    """Start an AWS, which this process does not see yet, and end it after a block.

    Raises:
        UsageError: The account has not 12 digits.
        MissingPackages: moto or boto3 is not installed.
        KitaruError: moto does not start.
    """
    if not re.fullmatch(r"[0-9]{12}", account):
        raise UsageError(f"{account!r} is not the number of an AWS account: 12 digits")
    _require_packages()
    environment = {
        **{name: text for name, text in os.environ.items() if not _is_foreign(name)},
        "MOTO_ACCOUNT_ID": account,
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
        "AWS_DEFAULT_REGION": region,
    }
    with socket.create_server((_HOST, 0), backlog=128) as listener, tempfile.TemporaryFile() as log:
        aws = LocalAws(f"http://{_HOST}:{listener.getsockname()[1]}", account, region)
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(listener.fileno())],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # Ctrl-C is for the tests, and moto ends with them
        )
        try:
            listener.close()
            _wait(process, aws, log)
            yield aws
        finally:
            process.kill()
            process.communicate()


def _wait(process: subprocess.Popen[bytes], aws: LocalAws, log: IO[bytes]) -> None:
    """Wait for moto's first answer.

    Raises:
        KitaruError: It has ended, or is not up in time; with what it said last.
    """
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        try:
            aws._ask("/moto-api/")
        except OSError:
            time.sleep(0.02)
        else:
            return
    log.seek(0)
    said = log.read().decode(errors="replace").strip().splitlines()
    raise KitaruError("moto does not start", why="\n".join(said[-5:]) or None)
