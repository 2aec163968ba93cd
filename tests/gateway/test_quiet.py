"""ZenML is muted in the thread that asks it, and nobody else is."""

from __future__ import annotations

import gc
import io
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.quiet import quiet, uncollected

_TIMEOUT = 30


class Stream(io.StringIO):
    """Stands for the program's stdout."""


@pytest.fixture(autouse=True)
def without_zenmls_handlers() -> Iterator[None]:
    """Nothing of ZenML's prints what the program logs, whoever imported ZenML before, and when."""
    import zenml.client  # noqa: F401

    root = logging.getLogger()
    theirs = [h for h in root.handlers if type(h).__module__.startswith("zenml")]
    for handler in theirs:
        root.removeHandler(handler)
    yield
    for handler in theirs:
        root.addHandler(handler)


@pytest.fixture
def logged() -> Iterator[Stream]:
    """What the program's own handler on the root logger writes."""
    stream = Stream()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def test_the_thread_that_asks_is_muted(capsys: pytest.CaptureFixture[str], logged: Stream) -> None:
    print("before")
    with quiet():
        print("ZenML prints")
        sys.stdout.writelines(["and ", "writes"])
        logging.getLogger("zenml").warning("ZenML logs")
        warnings.warn("ZenML warns", stacklevel=1)
    print("after")
    logging.getLogger("mine").warning("mine again")
    assert capsys.readouterr().out == "before\nafter\n"
    assert logged.getvalue() == "mine again\n"


def test_other_threads_print_log_and_warn_as_before(
    capsys: pytest.CaptureFixture[str], logged: Stream
) -> None:
    inside, done = threading.Event(), threading.Event()
    shown: list[str] = []

    def work() -> None:
        inside.wait(_TIMEOUT)
        for number in range(250):
            print(f"line {number}")
            logging.getLogger("mine").warning("record %s", number)
        warnings.warn("mine", UserWarning, stacklevel=1)
        done.set()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Not what an earlier test has left unclosed, and is collected just now.
        warnings.showwarning = lambda message, category, *_, **__: (
            shown.append(str(message)) if category is UserWarning else None
        )
        worker = threading.Thread(target=work)
        worker.start()
        with quiet():
            print("muted")
            inside.set()
            assert done.wait(_TIMEOUT), "a thread of the program waits for ours"
            print("muted")
        worker.join(_TIMEOUT)
    assert capsys.readouterr().out.splitlines() == [f"line {number}" for number in range(250)]
    assert logged.getvalue().splitlines() == [f"record {number}" for number in range(250)]
    assert shown == ["mine"]


def test_threads_may_be_muted_at_the_same_time(capsys: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    barrier = threading.Barrier(3, timeout=_TIMEOUT)

    def ask() -> None:
        with quiet():
            barrier.wait()  # all three are inside
            print("muted")
            barrier.wait()

    workers = [threading.Thread(target=ask) for _ in range(2)]
    for worker in workers:
        worker.start()
    ask()
    for worker in workers:
        worker.join(_TIMEOUT)
    print("after")
    assert capsys.readouterr().out == "after\n"
    assert sys.stdout is stdout


def test_it_nests_and_a_failure_leaves_all_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    stdout, root = sys.stdout, logging.getLogger()
    before = (root.handlers[:], [handler.filters[:] for handler in root.handlers])
    shower = warnings.showwarning
    with pytest.raises(RuntimeError), quiet(), quiet():
        raise RuntimeError
    with quiet():
        with quiet():
            print("muted")
        print("still muted")
    assert sys.stdout is stdout
    assert (root.handlers[:], [handler.filters[:] for handler in root.handlers]) == before
    assert warnings.showwarning is shower
    assert capsys.readouterr().out == ""


def test_a_stdout_that_the_program_puts_there_meanwhile_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Stream()
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with quiet():
        sys.stdout = other
    assert sys.stdout is other


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Your ZenML client version (0.98) does not match the server version", "versions of ZenML"),
        ("The active stack is not set", "the default stack is active now"),
        ("These credentials have expired", "credentials have expired"),
        ("Setting up the database", None),
    ],
)
def test_the_few_warnings_that_mean_something_are_heard(said: str, meant: str | None) -> None:
    with quiet() as outer, quiet() as heard:
        logging.getLogger("zenml.client").warning(said)
        logging.getLogger("zenml.client").warning(said)
    assert heard.warnings == outer.warnings
    assert len(heard.warnings) == (1 if meant else 0)
    if meant:
        assert meant in heard.warnings[0].text


def test_what_another_thread_logs_is_not_heard() -> None:
    def elsewhere() -> None:
        logging.getLogger("zenml.client").warning("The active stack is not set")

    with quiet() as heard:
        worker = threading.Thread(target=elsewhere)
        worker.start()
        worker.join(_TIMEOUT)
    assert heard.warnings == []


class Current(logging.Handler):
    """A handler that writes to whatever stdout is, as rich's does."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(f"{record.name}: {record.getMessage()}\n")


def test_a_program_that_logs_everything_to_stdout_sees_what_was_muted_as_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, handler = logging.getLogger(), Current()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with quiet():
            print("printed")
            logging.getLogger("zenml.client").warning("logged")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    lines = [line for line in capsys.readouterr().out.splitlines() if "ed" in line]
    assert lines == ["kitaru_iac.zenml: printed", "kitaru_iac.zenml: zenml.client: logged"]


_PROGRAM = """
import sys
from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.quiet import quiet, uncollected
with quiet():
    import zenml.client
    from zenml.logger import get_logger
    get_logger("zenml.x").warning("inside")
    print("inside")
print("printed")
get_logger("zenml.x").warning("logged")
import logging
logging.getLogger().setLevel(logging.DEBUG)
with quiet():
    get_logger("zenml.x").warning("inside")
    print("inside")
"""


def test_a_program_s_zenml_logs_as_ever_afterwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120, check=True
    )
    assert "inside" not in done.stdout
    assert "printed" in done.stdout
    assert "logged" in done.stdout


@pytest.mark.parametrize("is_on", [True, False])
def test_a_program_s_garbage_is_collected_afterwards_as_before(is_on: bool) -> None:
    was_on, frozen = gc.isenabled(), gc.get_freeze_count()
    (gc.enable if is_on else gc.disable)()
    try:
        with zenml_call():
            assert not gc.isenabled()
        assert gc.isenabled() is is_on
        with pytest.raises(KeyError), uncollected(), uncollected():
            raise KeyError
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()
    assert gc.get_freeze_count() <= frozen  # the program's objects are not ours to keep


def test_a_command_s_process_looks_at_nothing_of_zenml_again() -> None:
    program = (
        "import gc\n"
        "from kitaru_iac.machine.termination import end_with, listen\n"
        "listen()\n"
        "from kitaru_iac.gateway.quiet import uncollected\n"
        "with uncollected():\n"
        "    kept = [[] for _ in range(1000)]\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 1000)\n"
        "end_with(0)\n"
        "print(gc.isenabled(), any(one is kept for one in gc.get_objects()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )
    assert done.stdout.split() == ["True", "True", "False", "False"], done.stderr
