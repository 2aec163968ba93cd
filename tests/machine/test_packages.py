"""Which packages are missing, and the command that brings them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

from kitaru_iac.machine import packages
from kitaru_iac.machine.packages import install_command, unmet


@pytest.fixture(autouse=True)
def metadata_read_anew() -> Iterator[None]:
    packages.forget()
    yield
    packages.forget()


def fake_metadata(
    monkeypatch: pytest.MonkeyPatch, distributions: dict[str, tuple[str, list[str]]]
) -> None:
    def version(name: str) -> str:
        try:
            return distributions[name][0]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(packages, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: distributions[name][1])
    packages.forget()


def test_this_environment_lacks_nothing() -> None:
    assert unmet() == []
    assert unmet(extra="all") == []


def test_unmet_follows_the_extras_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_metadata(
        monkeypatch,
        {
            "kitaru-iac": (
                "1.0",
                [
                    "base>=1",
                    "old>=2; extra == 'aws'",
                    "zenml[connectors-aws]>=0.98; extra == 'aws'",
                    "windows; extra == 'aws' and platform_system == 'Windows'",
                    "other; extra == 'gcp'",
                    "kitaru-iac[aws,gcp]; extra == 'all'",
                    "kitaru-iac[all]; extra == 'round'",
                ],
            ),
            "zenml": ("0.98.0", ["click", "boto3>1; extra == 'connectors-aws'"]),
            "base": ("1.0", []),
            "old": ("1.0", []),
        },
    )
    aws = ["old 1.0 (needs >=2)", "boto3 (not installed)"]
    assert unmet() == []
    assert unmet(extra="aws") == aws
    assert unmet(extra="all") == [*aws, "other (not installed)"]
    assert unmet(extra="round") == unmet(extra="all")


def test_the_command_fits_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/a b/python")
    monkeypatch.setattr(packages, "find_spec", lambda _: object())
    assert install_command("aws") == "'/a b/python' -m pip install 'kitaru-iac[aws]'"
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: "/bin/uv")
    assert install_command() == "uv pip install --python '/a b/python' kitaru-iac"
