"""What is measured, against what, and the goal of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.measure import Command
from tests.homes import Home

__all__ = ["MANY", "REMOTE", "Comparison", "Places", "comparisons"]

#: `faster`: theirs / ours has to reach the number. `within`: ours / theirs may not exceed it.
Goal = tuple[Literal["faster", "within"], float]

_BIN = Path(sys.executable).parent

#: A stack on AWS, in flags.
REMOTE = (
    "--type kubernetes --artifact-store s3://my-bucket/kitaru --cluster cluster "
    "--container-registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com --region eu-west-1 "
    "--no-verify --credentials aws-access-keys:AKIAIOSFODNN7EXAMPLE:" + "x" * 40
)


#: A folder with so many descriptions of that, and one with the first of them.
MANY = {"hundred": 100, "first": 1}


@dataclass(frozen=True, slots=True)
class Places:
    """Where it is measured: each a home of its own.

    Attributes:
        small: A local store with ten stacks.
        large: One with ten thousand.
        server: A client of a server with ten stacks.
        large_server: A client of a server with ten thousand.
        url: Where that server is.
        key: An API key of it.
        other: The program of another `kitaru`, to be measured beside ours.
        plugin: The Pulumi plugin of another version.
    """

    small: Home
    large: Home
    server: Home
    large_server: Home
    url: str
    key: str
    other: str | None = None
    plugin: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our command, another one that does the same, and what has to be reached.

    Attributes:
        goal: Of the ratio of the processor's seconds.
        cpu: What ours may take of them at most, where that is a goal too.
        megabytes: How large ours may be at most, where that is a goal too.
    """

    group: str
    ours: Command
    theirs: Command
    goal: Goal
    other: Command | None = None
    cpu: float | None = None
    megabytes: float | None = None


def comparisons(places: Places) -> list[Comparison]:
    """Everything that is measured, in the order of the report."""
    return [
        *_at_once(places),
        *_reading(places),
        *_scale(places),
        *_writing(places),
        *_asking_a_server(places),  # before others leave a hundred stacks there
        *_several(places),
        *_on_a_server(places),
        *_in_a_local_store(places),
    ]


def _at_once(places: Places) -> list[Comparison]:
    home = places.small
    python = _command(home, "python -c pass", [sys.executable, "-c", "pass"])
    completion = _command(
        home,
        "completion of a stack's name",
        [_bin("kitaru")],
        _KITARU_COMPLETE="complete_bash",
        COMP_WORDS="kitaru stack use s",
        COMP_CWORD="3",
    )
    group = "At once"
    # 0.15 s where `python -c pass` takes 0.01.
    goal: Goal = ("within", 15)
    return [
        Comparison(group, _kitaru(home, "--help"), python, goal, _other(places, home, "--help")),
        Comparison(group, _kitaru(home, "--version"), python, goal),
        Comparison(group, completion, python, goal),
        Comparison(group, _kitaru(home, "stack lst", code=64), python, goal),
        Comparison(group, _kitaru(home, "stack create dev --type locl", code=64), python, goal),
    ]


def _reading(places: Places) -> list[Comparison]:
    found = []
    for group, home, factor in (
        ("Reading a local store", places.small, 15),
        ("Reading a server", places.server, 10),
    ):
        listing = _zenml(home, "stack list")
        found += [
            Comparison(
                group,
                _kitaru(home, words),
                listing,
                ("faster", factor),
                _other(places, home, words),
            )
            for words in ("stack list", "stack list -o json", "stack current", "stack show s3")
        ]
    return found


def _scale(places: Places) -> list[Comparison]:
    group = "Ten thousand stacks"
    large, small = places.large, places.small
    server = places.large_server
    listing, remote = _zenml(large, "stack list"), _zenml(server, "stack list")

    page = "stack list --limit 100 --page 50"
    return [
        Comparison(group, _kitaru(large, page), listing, ("faster", 15)),
        Comparison(group, _kitaru(large, "stack list -o json"), listing, ("faster", 5)),
        Comparison(
            group,
            _kitaru(large, "stack show s9000"),
            _kitaru(small, "stack show s3"),
            ("within", 1.2),
        ),
        # 0.5 s where `zenml stack list` takes 2.4.
        Comparison(f"{group} on a server", _kitaru(server, page), remote, ("faster", 4.8)),
        Comparison(
            f"{group} on a server",
            _kitaru(server, "stack show s9000"),
            _kitaru(places.server, "stack show s3"),
            ("within", 1.5),
        ),
    ]


def _writing(places: Places) -> list[Comparison]:
    home, server = places.small, places.server
    bare = _command(home, "a bare script", _bare("create_local", "bare{n}"))
    remote = _command(server, "a bare script", _bare("create_remote", "bare{n}"))
    read = _command(home, "a bare script that reads it", _bare("read", "again"))
    by_zenml = Command(
        "the zenml commands for it",
        [
            [_bin("zenml"), "orchestrator", "register", "z{n}", "--flavor=local"],
            [_bin("zenml"), "artifact-store", "register", "z{n}", "--flavor=local"],
            [_bin("zenml"), "stack", "register", "z{n}", "-o", "z{n}", "-a", "z{n}", "--set"],
        ],
        home.environment(),
        home.path,
    )
    create = _kitaru(home, "stack create dev{n}")
    return [
        Comparison(
            "Writing",
            _both(home, "stack use", "s1", "s2"),
            _both(home, "zenml stack set", "s1", "s2", program="zenml", words="stack set"),
            ("faster", 8),
        ),
        Comparison(
            "Writing",
            _both(server, "stack use", "s1", "s2"),
            _both(server, "zenml stack set", "s1", "s2", program="zenml", words="stack set"),
            ("faster", 8),
        ),
        Comparison(
            "Writing", create, bare, ("within", 1.1), _other(places, home, "stack create o{n}")
        ),
        Comparison("Writing", create, by_zenml, ("within", 0.75)),
        Comparison(
            "Writing on a server",
            _kitaru(server, f"stack create dev{{n}} {REMOTE}", title="stack create … (remote)"),
            remote,
            ("within", 1.2),
        ),
        Comparison(
            "Nothing to do", _kitaru(home, "stack apply again --yes"), read, ("within", 1.2)
        ),
        Comparison("Nothing to do", _kitaru(home, "stack preview again"), read, ("within", 1.2)),
    ]


def _on_a_server(places: Places) -> list[Comparison]:
    """Writing there, beside the least that REST takes and the least that ZenML's client takes."""
    home, group = places.server, "On a server"
    at = {"BENCH_URL": places.url, "BENCH_KEY": places.key}
    env = home.environment(**at)

    def command(title: str, argv: list[str], *, ready: bool = False) -> Command:
        before = [_bare("rest", "create", "{n}")] if ready else []
        before = [[word.replace("{n}", "r{n}") for word in line] for line in before]
        return Command(title, [argv], env, home.path, before=before)

    create = f"stack create dev{{n}} {REMOTE}"
    change = f"stack apply r{{n}} {REMOTE} --namespace n{{n}} --yes --no-activate"
    delete = "stack delete r{n} --recursive --force"
    rows = [
        (
            command("stack create (remote)", [_bin("kitaru"), *create.split()]),
            command("bare REST", _bare("rest", "create", "b{n}")),
            command("ZenML's client", _bare("create_remote", "z{n}")),
        ),
        (
            command("stack apply of one field", [_bin("kitaru"), *change.split()], ready=True),
            command("bare REST", _bare("rest", "change", "r{n}", "n{n}"), ready=True),
            command("ZenML's client", _bare("client", "change", "r{n}", "n{n}"), ready=True),
        ),
        (
            command("stack delete --recursive", [_bin("kitaru"), *delete.split()], ready=True),
            command("bare REST", _bare("rest", "delete", "r{n}"), ready=True),
            command("ZenML's client", _bare("client", "delete", "r{n}"), ready=True),
        ),
    ]
    found = []
    for ours, rest, client in rows:
        found += [
            Comparison(group, ours, rest, ("within", 2.5), megabytes=60),
            Comparison(group, ours, client, ("faster", 6)),
        ]
    there = {**env, "PYTHONPATH": str(Path(__file__).parents[1])}

    def plugin(title: str, program: str, prefix: str) -> Command:
        asked = [sys.executable, "-m", "benchmarks.plugin", program, f"{prefix}{{n}}"]
        return Command(title, [asked], there, home.path)

    ours = plugin("the plugin, 20 stacks", _bin("pulumi-resource-kitaru"), "p")
    client = command("ZenML's client, 20 stacks", _bare("many", "m{n}"))
    found.append(Comparison(group, ours, client, ("faster", 2), megabytes=90))
    if places.plugin is not None:
        other = plugin("the other plugin, 20 stacks", places.plugin, "o")
        found.append(Comparison(group, ours, other, ("faster", 4), megabytes=90))
    return found


def _asking_a_server(places: Places) -> list[Comparison]:
    home, group = places.server, "Asking a server"
    python = _command(home, "python -c pass", [sys.executable, "-c", "pass"])
    listing = _zenml(home, "stack list")
    login = _command(
        home,
        "kitaru login with a key",
        [_bin("kitaru"), "login", places.url, "--api-key", "env:BENCH_KEY"],
        BENCH_KEY=places.key,
    )
    again = f"again {REMOTE} --no-activate"
    asked = [
        _kitaru(home, f"stack preview {again}", title="kitaru stack preview (no change)"),
        _kitaru(home, f"stack apply {again} --yes", title="kitaru stack apply (no change)"),
        login,
        _kitaru(home, "status"),
    ]
    return [
        *(Comparison(group, ours, listing, ("faster", 8), cpu=0.4) for ours in asked),
        *(
            Comparison(group, _kitaru(home, words), python, ("within", 8))
            for words in ("stack list", "stack current", "stack show s3")
        ),
    ]


def _several(places: Places) -> list[Comparison]:
    """A hundred stacks in a folder beside one in a folder, none of which needs anything."""
    home = places.server
    words = {"stack preview": "", "stack apply": " --yes"}
    return [
        Comparison(
            "A hundred stacks on a server",
            _kitaru(home, f"{verb} -f hundred/{more}"),
            _kitaru(home, f"{verb} -f first/{more}"),
            ("within", 6),
        )
        for verb, more in words.items()
    ]


def _in_a_local_store(places: Places) -> list[Comparison]:
    home, group = places.small, "In a local store"
    goal: Goal = ("within", 1.0)
    ready = [_bare("create_local", "l{n}")]
    delete = [_bin("kitaru"), "stack", "delete", "l{n}", "--recursive", "--force"]
    return [
        Comparison(
            group,
            _kitaru(home, "stack create d{n}"),
            _command(home, "a bare script", _bare("create_local", "b{n}")),
            goal,
        ),
        Comparison(
            group,
            _kitaru(home, "stack apply again --yes", title="kitaru stack apply (no change)"),
            _command(home, "a bare script that reads it", _bare("read", "again")),
            goal,
        ),
        Comparison(
            group,
            Command("kitaru stack delete", [delete], home.environment(), home.path, before=ready),
            Command(
                "a bare script",
                [_bare("client", "delete", "l{n}")],
                home.environment(),
                home.path,
                before=ready,
            ),
            goal,
        ),
    ]


# -- commands --------------------------------------------------------------------------------------


def _bin(name: str) -> str:
    return str(_BIN / name)


def _bare(script: str, *words: str) -> list[str]:
    return [sys.executable, str(Path(__file__).parent / "bare" / f"{script}.py"), *words]


def _command(home: Home, title: str, argv: list[str], code: int = 0, **env: str) -> Command:
    return Command(title, [argv], home.environment(**env), home.path, code)


def _kitaru(home: Home, words: str, *, code: int = 0, title: str | None = None) -> Command:
    title = title or f"kitaru {words}".replace("{n}", "")
    return _command(home, title, [_bin("kitaru"), *words.split()], code)


def _zenml(home: Home, words: str) -> Command:
    return _command(home, f"zenml {words}", [_bin("zenml"), *words.split()])


def _other(places: Places, home: Home, words: str) -> Command | None:
    if places.other is None:
        return None
    return _command(home, f"the other kitaru {words}", [places.other, *words.split()])


def _both(
    home: Home, title: str, *names: str, program: str = "kitaru", words: str = "stack use"
) -> Command:
    """Switch there and back, so that each run really changes something."""
    prefix = "" if program == "zenml" else "kitaru "
    argvs = [[_bin(program), *words.split(), name] for name in names]
    return Command(f"{prefix}{title} (twice)", argvs, home.environment(), home.path)
