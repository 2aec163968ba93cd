"""Runs of the tests on copies of the tree, in children of a process that has the packages loaded.

A child is forked for each run, so that it need not import ZenML, Pulumi and boto3 again. The fault
is written into a copy of the tree, not served by an import hook: so the processes that a test
starts see it too, and no edit in the meantime reaches a run.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

from tools.mutants.mutations import Mutant
from tools.mutants.targets import Target, chosen_tests

#: What is imported once. None of these may start a thread, or open a store.
PACKAGES = (
    *("hypothesis", "pydantic", "yaml", "typer", "rich.console", "requests", "jsonschema"),
    *("boto3", "moto.server", "grpc", "google.protobuf.struct_pb2"),
    *("pulumi", "pulumi.automation", "pulumi_aws"),
    *("zenml.client", "zenml.models", "sqlmodel", "zenml.zen_stores.sql_zen_store"),
)
#: The developer's own stores and clouds.
_FOREIGN = ("ZENML_", "KITARU_", "PULUMI_", "AWS_", "GOOGLE_", "AZURE_", "ARM_")
_LEFT_OUT = (".git", ".venv", ".cache", ".hypothesis", ".pytest_cache", ".ruff_cache", "dist")

#: A test that asks for one of these waits for a server, three clouds or an engine.
_SLOW_FIXTURES = {
    *("zenml_server", "zenml_server_implicit", "kubernetes_programs", "engine_room"),
    *("pulumi_home", "making", "registering"),
}
_ALL_CLOUDS = "clouds"
_SLOW_MARKS = ("engine", "slow")
#: One that asks for these runs after all others: a store or a cloud of its own is made ready first.
_PREPARING_FIXTURES = {"home", "any_home", "world", "loopback", "loopback_aws", _ALL_CLOUDS}

KILLED, SURVIVED, TIMED_OUT, BROKEN = "killed", "survived", "timed out", "broken"


@dataclass(frozen=True, slots=True)
class Task:
    """One run: the tests of a target, with a fault or without."""

    target: Target
    limit: float
    mutant: Mutant | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of it.

    Attributes:
        outcome: Whether the tests failed; `broken` is a fault of the run itself.
        seconds: How long it took.
        code: The exit code of pytest.
        imported: Our modules that the tests' own process had imported.
        log: What pytest said.
    """

    task: Task
    outcome: str
    seconds: float
    code: int | None
    imported: frozenset[str]
    log: str


@dataclass(slots=True)
class Tree:
    """A copy of the project for one run at a time."""

    root: Path
    scratch: Path
    number: int = 0
    undo: tuple[Path, bytes, os.stat_result] | None = None

    def put(self, mutant: Mutant) -> None:
        """Write the fault."""
        path = self.root / mutant.path
        self.undo = (path, path.read_bytes(), path.stat())
        self._forget_bytecode(path)
        path.write_bytes(mutant.applied(self.undo[1]))

    def restore(self) -> None:
        """Make the copy what it was; the time too, or its bytecode would be compiled again."""
        if self.undo is not None:
            path, source, before = self.undo
            self._forget_bytecode(path)
            path.write_bytes(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self.undo = None

    def _forget_bytecode(self, path: Path) -> None:
        # It is told from a file's size and seconds, which a fault need not change.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()


@dataclass(slots=True)
class _Child:
    task: Task
    tree: Tree
    pid: int
    folder: Path
    started: float = field(default_factory=time.monotonic)


def load() -> None:
    """Import what every run needs; our own modules are left to the children."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
    for name in PACKAGES:
        importlib.import_module(name)
    from zenml.config.global_config import GlobalConfiguration

    ours = [name for name in sys.modules if name.partition(".")[0] in {"kitaru_iac", "tests"}]
    assert not ours, f"{ours[0]} is loaded already: no child would see its mutant"
    assert GlobalConfiguration._global_config is None, "ZenML has opened a store"
    assert threading.active_count() == 1, "a fork keeps the locks of the other threads"


@contextmanager
def copies(root: Path, number: int) -> Iterator[list[Tree]]:
    """So many copies of the project, for a while."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        trees = []
        for index in range(number):
            tree = Tree(Path(folder) / f"tree{index}", Path(folder) / f"runs{index}")
            shutil.copytree(root, tree.root, ignore=shutil.ignore_patterns(*_LEFT_OUT))
            tree.scratch.mkdir()
            trees.append(tree)
        yield trees


def run(
    next_task: Callable[[], Task | None], trees: Iterable[Tree], end: float = math.inf
) -> Iterator[Ran]:
    """Run all tasks, as many at once as there are copies; results come as they are there.

    Args:
        next_task: What is run next, asked when a copy is free. Where it says None, it is asked
            again after the next result, and not at all when nothing runs any more.
        trees: A run has one of them to itself.
        end: When nothing new is begun any more, by the monotonic clock in seconds.
    """
    free = list(trees)
    running: list[_Child] = []
    try:
        while True:
            while free and time.monotonic() <= end and (task := next_task()) is not None:
                running.append(_start(task, free.pop()))
            if not running:
                return
            time.sleep(0.02)
            for child in list(running):
                result = _ended(child)
                if result is not None:
                    running.remove(child)
                    free.append(child.tree)
                    yield result
    finally:
        for child in running:
            _kill_group(child.pid)


def _start(task: Task, tree: Tree) -> _Child:
    tree.number += 1
    folder = tree.scratch / str(tree.number)
    folder.mkdir()
    if task.mutant is not None:
        tree.put(task.mutant)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_child(task, tree.root, folder)
    return _Child(task, tree, pid, folder)


def _ended(child: _Child) -> Ran | None:
    """The result of a child that has ended, or whose time is over."""
    # Left unreaped, so that its number cannot become another process's before its group is killed.
    ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    seconds = time.monotonic() - child.started
    if not ended and seconds < child.task.limit:
        return None
    _kill_group(child.pid)  # what the tests started is in it too
    _, status = os.waitpid(child.pid, 0)
    code = os.waitstatus_to_exitcode(status) if ended else None
    child.tree.restore()
    log = (child.folder / "log").read_text(errors="replace")
    imported: list[str] = []
    with suppress(FileNotFoundError, ValueError):
        imported = json.loads((child.folder / "imported").read_text())
    shutil.rmtree(child.folder, ignore_errors=True)
    return Ran(child.task, _outcome(code), seconds, code, frozenset(imported), log)


def _outcome(code: int | None) -> str:
    """A fault that breaks the import, or the process, is killed as well: it was seen."""
    if code is None:
        return TIMED_OUT
    if code == _OUT_OF_ORDER:
        return BROKEN
    return SURVIVED if code == pytest.ExitCode.OK else KILLED


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


#: The child's own mistake, which must not count as a killed mutant.
_OUT_OF_ORDER = 70


def _be_child(task: Task, root: Path, folder: Path) -> NoReturn:
    code = _OUT_OF_ORDER
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _redirect(folder / "log")
        _settle_in(root, folder)
        code = pytest.main(
            [
                *chosen_tests(root, task.target),
                *(["-k", task.target.only] if task.target.only else []),
                *("-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"),
                f"--basetemp={folder / 'tmp'}",
            ],
            plugins=[_Quick(task.target.clouds)],
        )
        ours = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "kitaru_iac"}
        (folder / "imported").write_text(json.dumps(sorted(ours)))
        for module in ours.values():
            place = getattr(module, "__file__", None)
            if place is not None and root not in Path(place).parents:
                print(f"{place} is not that of the copy")
                code = _OUT_OF_ORDER
    except BaseException:  # noqa: BLE001 - nothing may return from a forked child
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(descriptor, place)


def _settle_in(root: Path, folder: Path) -> None:
    """Let this process, and those that it starts, import the copy."""
    import hypothesis

    here = os.getcwd()  # noqa: PTH109 - compared with the texts in sys.path
    sys.path[:] = [str(root), *(place for place in sys.path if place not in {"", here})]
    sys.argv[:] = ["pytest"]
    os.chdir(root)
    (folder / "files").mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder / "files")
    os.environ["PYTHONPATH"] = str(root)
    os.environ["TESTS_COLD"] = "1"  # see tests/warm: a forked command would not read PYTHONPATH
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ.pop("KITARU_CI", None)
    # The same examples each time, and no failure because the machine is busy.
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, deadline=None, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.load_profile("mutants")
    # A loop without an end may take all memory before its time is over.
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))


class _Quick:
    """Puts pure tests first, and leaves out those that start an engine, a server or all clouds."""

    def __init__(self, clouds: bool) -> None:
        self._left_out = _SLOW_FIXTURES if clouds else {*_SLOW_FIXTURES, _ALL_CLOUDS}

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        slow = [item for item in items if self._is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        left_out = set(slow)
        items[:] = [item for item in items if item not in left_out]
        items.sort(key=lambda item: not _PREPARING_FIXTURES.isdisjoint(_fixtures(item)))

    def _is_slow(self, item: pytest.Item) -> bool:
        if any(item.get_closest_marker(mark) for mark in _SLOW_MARKS):
            return True
        call = getattr(item, "callspec", None)
        if call is not None and call.params.get("any_home") == "server":
            return True
        return not self._left_out.isdisjoint(_fixtures(item))


def _fixtures(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))
