"""What a user gets: the metadata and the files of the installed distribution."""

from __future__ import annotations

import importlib
import os
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import kitaru_iac

DISTRIBUTION = metadata.distribution("kitaru-iac")
FROM_WHEEL = os.environ.get("KITARU_TEST_WHEEL") == "1"  # set by scripts/test --wheel


def test_the_metadata_says_what_it_is() -> None:
    assert DISTRIBUTION.metadata["Name"] == "kitaru-iac"
    assert DISTRIBUTION.metadata["Requires-Python"] == ">=3.11"
    assert DISTRIBUTION.metadata["License-Expression"] == "Apache-2.0"
    assert DISTRIBUTION.metadata["Summary"]
    assert "Typing :: Typed" in DISTRIBUTION.metadata.get_all("Classifier", [])


def test_the_version_is_one() -> None:
    from kitaru_iac._version import __version__

    assert DISTRIBUTION.version == __version__


def test_the_extras_are_these() -> None:
    provided = set(DISTRIBUTION.metadata.get_all("Provides-Extra", []))
    assert provided == {"aws", "gcp", "azure", "mcp", "server", "testing", "all"}


def test_all_is_every_other_extra_but_what_is_for_tests() -> None:
    def brought(extra: str) -> set[str]:
        wanted = map(Requirement, DISTRIBUTION.requires or [])
        return {
            f"{r.name}{sorted(r.extras)}"
            for r in wanted
            if r.marker and r.marker.evaluate({"extra": extra})
        }

    others = set(DISTRIBUTION.metadata.get_all("Provides-Extra", [])) - {"all", "testing"}
    assert brought("all") == set().union(*map(brought, others))
    assert all(map(brought, others))


def test_the_base_install_brings_no_cloud() -> None:
    base = [r for r in DISTRIBUTION.requires or [] if "extra ==" not in r]
    assert base
    assert [r for r in base if r.startswith(("pulumi-", "boto", "google", "azure"))] == []


def test_no_requirement_names_a_place() -> None:
    assert [r for r in DISTRIBUTION.requires or [] if "@" in r or "://" in r] == []


@pytest.mark.parametrize("name", ["kitaru", "kitaru-iac"])
def test_the_commands_are_there(name: str) -> None:
    (point,) = [p for p in DISTRIBUTION.entry_points if p.name == name]
    assert point.group == "console_scripts"
    assert point.value == "kitaru_iac.cli.main:main"
    assert Path(sysconfig.get_path("scripts"), name).exists()


def test_every_command_can_be_loaded() -> None:
    points = [p for p in DISTRIBUTION.entry_points if p.group == "console_scripts"]
    assert points
    for point in points:
        assert callable(getattr(importlib.import_module(point.module), point.attr))


def test_it_is_typed_and_licensed() -> None:
    assert Path(kitaru_iac.__file__).with_name("py.typed").exists()
    texts = DISTRIBUTION.metadata.get_all("License-File", [])
    assert texts == ["LICENSE"]
    if FROM_WHEEL:
        assert "Apache License" in (DISTRIBUTION.read_text("licenses/LICENSE") or "")


def test_the_files_of_a_new_repository_come_with_the_package() -> None:
    from kitaru_iac.repository import contents

    for ci in contents.CIS:
        assert all(contents.files(ci=ci, cloud="all").values())
    if FROM_WHEEL:
        folder = Path(kitaru_iac.__file__).parent / "repository" / "files"
        assert (folder / "Pulumi.yaml").exists()
        assert (folder / "programs" / "__main__.py").exists()


def test_only_the_package_is_installed() -> None:
    tops = {file.parts[0] for file in DISTRIBUTION.files or [] if ".." not in file.parts}
    own = f"kitaru_iac-{DISTRIBUTION.version}.dist-info"
    if not FROM_WHEEL:  # a pointer to the checkout stands for the package
        tops = {"kitaru_iac" if top.endswith(".pth") else top for top in tops}
    assert tops == {"kitaru_iac", own}


def test_the_tests_run_on_what_they_should() -> None:
    """With KITARU_TEST_WHEEL=1 the package must come from the environment, not from a checkout."""
    place = Path(kitaru_iac.__file__).resolve()
    installed = place.is_relative_to(Path(sysconfig.get_path("purelib")).resolve())
    assert installed is FROM_WHEEL
