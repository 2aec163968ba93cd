"""Every wrong description of the table, given to the command: told clearly, nothing written."""

from __future__ import annotations

import hashlib

import pytest

from tests.homes import Home, ready_home
from tests.spec.bad_inputs import BAD_INPUTS, SECRET, BadInput


@pytest.fixture(scope="module")
def one_home(template_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return ready_home(template_home, tmp_path_factory.mktemp("bad") / "home")


def _written(home: Home) -> str:
    """A digest of everything that a store or a setting consists of."""
    digest = hashlib.sha256()
    for path in sorted(home.config.rglob("*")):
        digest.update(str(path).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize("row", BAD_INPUTS, ids=str)
def test_a_bad_input_is_told_and_nothing_is_written(
    row: BadInput, one_home: Home, kitaru, tmp_path, monkeypatch
):
    for name, value in one_home.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    if row.yaml is not None:
        content = row.yaml.encode() if isinstance(row.yaml, str) else row.yaml
        (tmp_path / "stack.yaml").write_bytes(content)
    before = _written(one_home)
    failed = kitaru("stack", "create", *row.argv)
    assert failed.code == row.exit_code
    assert failed.out == ""
    assert failed.err.startswith("Error: ")
    assert "Traceback" not in failed.err
    assert "Unexpected" not in failed.err
    assert SECRET not in failed.err
    told = " ".join(failed.err.split())
    for part in row.expect:
        assert " ".join(part.split()) in told
    error = kitaru("stack", "create", *row.argv, "--output", "json")
    if "-o" not in row.argv and "--output" not in row.argv:
        assert error.code == row.exit_code
        assert error.error["type"] in ("DescriptionError", "UsageError")
        assert SECRET not in error.err
    assert _written(one_home) == before


@pytest.mark.parametrize(
    "line",
    [
        "stack create",
        "stack create a b",
        "stack create dev --verify=maybe",
        "stack create dev -f",
        "stack use",
        "stack use ''",
        "stack show a b",
        "stack delete",
        "stack delete dev --recursive=yes",
        "stack apply dev --yes=no",
        "stack list extra",
        "stack current extra",
        "stack schema extra",
        "login --api-key",
        "login ftp://x",
        "login https://u:p@x",
        "login https://x --timeout soon",
        "login https://x --api-key KEY",
        "logout now",
        "status --timeout later",
        "doctor please",
        "init a b",
        "stack --force list",
        "-o",
        "-o xml stack list",
    ],
)
def test_a_wrong_command_line_is_told_and_nothing_is_written(
    line, one_home: Home, kitaru, tmp_path, monkeypatch
):
    for name, value in one_home.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    before = _written(one_home)
    failed = kitaru(*(word.strip("'") for word in line.split()))
    assert failed.code in (64, 4), failed.err
    assert failed.out == ""
    assert failed.err.startswith("Error: ")
    assert "Traceback" not in failed.err
    assert "Unexpected" not in failed.err
    assert _written(one_home) == before
