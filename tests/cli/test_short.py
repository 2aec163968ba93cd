"""The short way says what the parser says, and leaves to the parser what it does not know."""

from __future__ import annotations

import itertools
import sys

import pytest

from benchmarks.places import add_stacks
from kitaru_iac.cli import short
from tests.homes import Home

#: Lines that are understood without the parser.
SHORT = (
    "stack list",
    "stack list -o json",
    "stack list --limit 2",
    "stack list --limit=2 --page 2 --output=yaml",
    "stack list --page 1 -o json",
    "stack list --page 3 --limit 2",
    "stack list --page 9",
    "stack list --limit 0",
    "-o json stack list --page 0",
    "stack -o json current",
    "stack current --debug",
    "stack show",
    "stack show s1 -o json",
    "stack show nobody",
    "stack show nobody --output json",
    "stack use s1",
    "stack use s1 -o yaml",
    "stack use nobody",
    "stack create dev --type locl",
    "stack create dev --type kubernetes --no-verify --extra orchestrator.a=1 --extra b --dry-run",
    "stack create -f nowhere.yaml -y --output yaml",
    "stack create dev --type=local --dry-run",
    "stack preview",
    "stack preview dev --out=nowhere/plan.json -o json",
    "stack preview dev -o markdown --detailed-exitcode",
    "stack preview a b",
    "stack preview a b -f nowhere/",
    "stack apply dev",
    "stack apply s1 --type vertex --yes",
    "stack apply dev --plan nowhere.json --yes",
    "stack delete nobody --recursive --force",
    "stack delete nobody -r -y --infra --keep-infra -o json",
    "stack delete s1 --delete-data",
)
#: Lines that only the parser understands, or refuses.
LONG = (
    "",
    "stack",
    "stack lst",
    "stack list --help",
    "stack list more",
    "stack list --limit",
    "stack list --limit -1",
    "stack list --limit two",
    "stack list --limit 1 --limit 2",
    "stack list --lim 1",
    "--limit 1 stack list",
    "stack list -o jsn",
    "stack list -ojson",
    "stack list -o=json",
    "stack list -o",
    "stack current --limit 1",
    "stack show a b",
    "stack show -- s1",
    "stack use",
    "stack use s1 s2",
    "stack use s1 --verbose",
    "stack create a b",
    "stack create dev --type",
    "stack create dev --dry-run --type local --type local",
    "stack create dev --dry-run --verify --no-verify",
    "stack create dev --yes=1",
    "stack create dev -o markdown",
    "stack create dev --help",
    "stack create --dry-run --descripton x",
    "--yes stack create dev",
    "stack preview dev --parallel 99",
    "stack apply --prune",
    "stack delete",
    "stack delete a b",
    "stack delete nobody -ry",
)


@pytest.fixture
def three(home: Home) -> Home:
    add_stacks(home.database, 3)
    return home


@pytest.mark.parametrize("line", [*SHORT, *LONG])
def test_both_ways_say_the_same(three: Home, kitaru, monkeypatch, line):
    assert (short.understood(line.split()) is not None) == (line in SHORT)
    said = kitaru(*line.split())
    kitaru("stack", "use", "default")
    monkeypatch.setattr(short, "understood", lambda words: None)
    assert kitaru(*line.split()) == said


def test_every_line_of_these_words_is_told_alike(three: Home, kitaru, monkeypatch):
    """All lines of up to three words out of those that mean something."""
    words = ("stack", "list", "current", "s1", "-o", "json", "--limit", "2", "--debug", "-")
    lines = [line for count in (1, 2, 3) for line in itertools.product(words, repeat=count)]
    taken = [line for line in lines if short.understood(line) is not None]
    assert ("stack", "list", "--debug") in taken
    assert len(taken) < len(lines) / 20
    said = [kitaru(*line) for line in taken]
    monkeypatch.setattr(short, "understood", lambda words: None)
    assert [kitaru(*line) for line in taken] == said


def test_each_option_is_the_parsers() -> None:
    """With the parameter that it fills there, and with what it takes."""
    from kitaru_iac.cli.commands import TREE
    from kitaru_iac.cli.frame import build

    entries = TREE["stack"].children
    assert entries is not None
    for name, line in short._LINES.items():
        theirs = {
            word: (param.name, True if param.is_flag else "each" if param.multiple else "one")
            for param in build(name, entries[name]).params
            if param.param_type_name == "option"
            for word in param.opts
        } | {
            word: (param.name, False)
            for param in build(name, entries[name]).params
            for word in param.secondary_opts
        }
        kinds = {"text": "one", "number": "one"}
        ours = {
            word: (parameter, kinds.get(str(takes), takes))
            for word, (parameter, takes) in short._known(line).items()
        }
        assert ours.items() <= theirs.items(), name
        left = theirs.keys() - ours.keys()
        assert left <= {"--explain", "--prune", "--source", "--parallel"}, name


def test_completion_is_left_to_the_parser(monkeypatch):
    monkeypatch.setenv("_KITARU_COMPLETE", "complete_bash")
    assert short.understood(["stack", "list"]) is None


@pytest.mark.parametrize(
    "line",
    [
        "stack list --limit 1",
        "stack current",
        "stack show nobody",
        "stack preview dev --type local",
    ],
)
def test_the_parser_is_not_imported(three: Home, line):
    program = (
        "import sys\nfrom kitaru_iac.cli.main import run\nrun(sys.argv[1:], 'kitaru')\n"
        "assert 'typer' not in sys.modules, 'typer'"
    )
    done = three.run(sys.executable, "-c", program, *line.split())
    assert done.returncode == 0, done.stderr


def test_a_page_says_how_many_there_are(three: Home, kitaru):
    first = kitaru("stack", "list", "--limit", "3", "-o", "json").document
    assert [item["name"] for item in first["items"]] == ["s0", "s1", "s2"]
    assert {key: first[key] for key in ("count", "total", "page", "next_page")} == {
        "count": 3,
        "total": 4,
        "page": 1,
        "next_page": 2,
    }
    last = kitaru("stack", "list", "--limit", "3", "--page", "2", "-o", "json").document
    assert [item["name"] for item in last["items"]] == ["default"]
    assert last["items"][0]["is_active"] is True
    assert (last["count"], last["next_page"]) == (1, None)
    text = kitaru("stack", "list", "--limit", "2")
    assert [line.split()[0] for line in text.out.splitlines()] == ["ACTIVE", "s0", "s1"]
    assert text.err == ("1 to 2 of 4 stacks. The next: kitaru stack list --limit 2 --page 2\n")
    assert "total" not in kitaru("stack", "list", "-o", "json").document


def test_a_long_list_is_written_while_it_is_read(three: Home, kitaru, monkeypatch):
    from kitaru_iac.cli import reading

    whole = kitaru("stack", "list").out
    monkeypatch.setattr(reading, "_MEASURED", 2)
    streamed = kitaru("stack", "list").out
    assert [line.split() for line in streamed.splitlines()] == [
        line.split() for line in whole.splitlines()
    ]
