"""A profile that wants an MFA code: nobody is asked for one from a probe's thread."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.checks.probes import NoCredentials, ProbeError
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.spec.credentials import parse_credentials

CONFIG = """
[profile base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = secret
[profile guarded]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/me
[profile behind]
role_arn = arn:aws:iam::123456789012:role/y
source_profile = guarded
[profile plain]
role_arn = arn:aws:iam::123456789012:role/z
source_profile = base
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    prompts: list[str] = []

    def ask(prompt: str = "", **_: Any) -> str:
        prompts.append(prompt)
        return "000000"

    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setattr(getpass, "getpass", ask)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return prompts


@pytest.mark.parametrize("profile", ["guarded", "behind"])
def test_a_code_is_not_asked_for(profile: str, asked: list[str]) -> None:
    access = AwsAccess(parse_credentials(f"aws-profile:{profile}"), "eu-west-1", timeout=1)
    with pytest.raises(NoCredentials, match="the profile guarded wants an MFA code") as caught:
        access.open()
    assert f"export-credentials --profile {profile}" in str(caught.value.remedy)
    assert asked == []


@pytest.mark.parametrize("given", [None, "aws-role:arn:aws:iam::123456789012:role/steps"])
def test_a_code_is_not_asked_for_by_the_environment_s_profile(
    given: str | None, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "guarded")
    credentials = parse_credentials(given) if given else None
    with pytest.raises(NoCredentials, match="MFA") as caught:
        AwsAccess(credentials, "eu-west-1", timeout=1).open()
    assert "export-credentials --profile guarded" in str(caught.value.remedy)
    assert asked == []


@pytest.mark.parametrize("profile", ["base", "plain"])
def test_other_profiles_are_used(profile: str, asked: list[str]) -> None:
    access = AwsAccess(parse_credentials(f"aws-profile:{profile}"), "eu-west-1", timeout=1)
    if profile == "base":
        access.open()
    else:  # nobody answers at that address
        with pytest.raises(ProbeError) as caught:
            access.open()
        assert "MFA" not in caught.value.why
    assert asked == []
