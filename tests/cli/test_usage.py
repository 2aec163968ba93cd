"""What the command says to somebody who mistyped, or asks for help."""

from __future__ import annotations

import re

import pytest

from kitaru_iac.cli.commands import TREE, command_name, paths
from kitaru_iac.cli.frame import build
from tests.homes import Home

ALL = [path.split() for path in paths()]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("stak", "kitaru stack"),
        ("stack lst", "kitaru stack list"),
        ("stack crate dev", "kitaru stack create"),
        ("list", "kitaru stack list"),
        ("create dev", "kitaru stack create"),
        ("stack ls", "kitaru stack list"),
        ("stack rm dev", "kitaru stack delete"),
        ("stack describe dev", "kitaru stack show"),
        ("logn", "kitaru login"),
        ("whoami", "kitaru status"),
        ("stack create dev --tpye local", "--type"),
        ("stack create dev --artifactstore x", "--artifact-store"),
        ("stack create dev --type kubernets", "kubernetes"),
        ("stack create dev --type sage-maker", "sagemaker"),
        ("stack list --output jsn", "json"),
        ("stack delete dev --recursve", "--recursive"),
    ],
)
def test_a_near_miss_is_told_what_was_probably_meant(home: Home, kitaru, line, meant):
    failed = kitaru(*line.split())
    assert failed.code == 64
    assert "Did you mean" in failed.err
    assert meant in failed.err
    assert failed.out == ""


@pytest.mark.parametrize("line", ["xyzzy", "stack xyzzy", "stack list --xyzzy"])
def test_nothing_is_suggested_for_nonsense(kitaru, line):
    failed = kitaru(*line.split())
    assert failed.code == 64
    assert "Did you mean" not in failed.err


def test_a_usage_error_shows_where_help_is(kitaru):
    assert kitaru("stack", "show", "--nope").err.splitlines()[-1] == "See: kitaru stack show --help"


def test_what_is_missing_or_too_much_is_named(kitaru):
    missing = kitaru("stack", "use")
    assert (missing.code, missing.err.splitlines()[0]) == (64, "Error: Missing argument 'STACK'.")
    more = kitaru("stack", "use", "a", "b")
    assert more.code == 64
    assert "b" in more.err
    valueless = kitaru("stack", "create", "dev", "--region")
    assert valueless.code == 64
    assert "--region" in valueless.err


def test_no_command_shows_the_overview(kitaru):
    for line in ((), ("stack",)):
        shown = kitaru(*line)
        assert shown.code == 0
        assert "Usage: kitaru" in shown.out


def test_the_version(kitaru):
    from kitaru_iac import __version__

    for line in (("--version",), ("-V",), ("-o", "json", "--version")):
        assert kitaru(*line).out == f"kitaru-iac {__version__}\n"


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(kitaru, path):
    page = kitaru(*path, "--help")
    assert page.code == 0
    entry = TREE[path[0]]
    entry = entry.children[path[1]] if entry.children else entry
    assert page.out.splitlines()[0] == entry.summary
    assert f"Usage: kitaru {' '.join(path)}" in page.out
    assert page.out.index("Examples:") < page.out.index("--output")
    assert kitaru(*path, "-h").out == page.out


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_has_help(path):
    entry = TREE[path[0]]
    entry = entry.children[path[1]] if entry.children else entry
    command = build(path[-1], entry)
    for param in command.params:
        assert param.help, param.name
        assert param.help.endswith("."), param.name


def test_lines_of_help_fit_the_terminal(kitaru, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for path in ALL:
        for line in kitaru(*path, "--help").out.splitlines():
            assert len(line) <= 80 or line.startswith("  kitaru"), line


def test_every_option_of_the_page_is_there(kitaru):
    page = kitaru("stack", "create", "--help").out
    wanted = """
    --type --artifact-store --container-registry --cluster --region --namespace
    --execution-role --subscription-id --resource-group --workspace --credentials --connector
    --project --extra --async --no-activate --activate --no-verify --verify --infra --dry-run
    --file
    """
    shown = set(re.findall(r"--[a-z-]+", page))
    assert set(wanted.split()) <= shown
    assert "-f, --file FILE" in page


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("stack show x", "stack.show"),
        ("-o json stack list", "stack.list"),
        ("--debug login https://x", "login"),
        ("stack", "stack"),
        ("stack nope", "stack"),
        ("nope", "kitaru"),
        ("", "kitaru"),
    ],
)
def test_documents_name_the_command(line, name):
    assert command_name(line.split()) == name


def test_a_mistake_of_ours_has_a_traceback_only_with_debug(home: Home, kitaru, monkeypatch):
    def broken() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("kitaru_iac.gateway.open_reader", broken)
    short = kitaru("stack", "list")
    assert short.code == 1
    assert "Traceback" not in short.err
    assert "--debug" in short.err
    assert "Traceback" in kitaru("stack", "list", "--debug").err
    monkeypatch.setenv("KITARU_DEBUG", "1")
    assert "Traceback" in kitaru("stack", "list").err


def test_errors_of_the_users_have_no_traceback_without_debug(home: Home, kitaru):
    assert "Traceback" not in kitaru("stack", "show", "nope").err
    assert "Traceback" in kitaru("stack", "show", "nope", "--debug").err
