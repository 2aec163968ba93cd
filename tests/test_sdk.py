"""The Python lines of the stacks page, and the promises of the package."""

from __future__ import annotations

import json
import sys
from dataclasses import fields

import pytest

import kitaru_iac as kitaru
from tests.homes import Home


def test_the_lines_of_the_page(any_home: Home):
    kitaru.create_stack("production", activate=False)
    assert kitaru.current_stack().name == "default"
    assert [stack.name for stack in kitaru.list_stacks()] == ["default", "production"]
    made = kitaru.create_stack("dev")
    assert made == kitaru.StackInfo(made.id, "dev", is_active=True)
    assert kitaru.current_stack() == made
    used = kitaru.use_stack("production")
    assert (used.name, used.is_active) == ("production", True)
    assert [stack.name for stack in kitaru.list_stacks(limit=2)] == ["default", "production"]
    assert kitaru.list_stacks(limit=2, page=2) == [kitaru.StackInfo(made.id, "dev", False)]
    with pytest.raises(kitaru.UsageError, match="from 1"):
        kitaru.list_stacks(limit=0)
    assert kitaru.delete_stack("dev", recursive=True, force=True) is None
    assert [(s.name, s.is_active) for s in kitaru.list_stacks()] == [
        ("default", False),
        ("production", True),
    ]


def test_stack_info_stays_small():
    assert [field.name for field in fields(kitaru.StackInfo)] == ["id", "name", "is_active"]


def test_the_lines_run_as_a_program_and_print_nothing_else(bare_home: Home):
    done = bare_home.run(
        sys.executable,
        "-c",
        "import kitaru_iac as kitaru\n"
        "kitaru.create_stack('dev')\n"
        "kitaru.delete_stack('dev', recursive=True, force=True)\n"
        "print(kitaru.current_stack().name)\n",
    )
    assert (done.returncode, done.stdout) == (0, "default\n"), done.stderr


def test_errors_are_the_documented_tree(home: Home):
    with pytest.raises(kitaru.StackNotFound):
        kitaru.use_stack("nothing")
    with pytest.raises(kitaru.DescriptionError) as wrong:
        kitaru.create_stack("x", type="sagemaker", cluster="c")
    assert len(wrong.value.problems) >= 4
    kitaru.create_stack("dev")
    with pytest.raises(kitaru.AlreadyExistsError):
        kitaru.create_stack("dev")
    with pytest.raises(kitaru.ProtectedStackError):
        kitaru.delete_stack("dev")
    for error in (wrong.value, kitaru.StackNotFound("x")):
        assert isinstance(error, kitaru.KitaruError)


def test_fields_and_extras_are_those_of_the_yaml_file(home: Home, tmp_path):
    made = kitaru.create_stack("dev", artifact_store=str(tmp_path / "data"), activate=False)
    assert made.is_active is False


def test_every_exported_name_is_there_and_documented():
    for name in kitaru.__all__:
        value = getattr(kitaru, name)
        if name != "__version__":
            assert value.__doc__, name
    assert set(kitaru.__all__) <= set(dir(kitaru))
    with pytest.raises(AttributeError):
        _ = kitaru.nothing


def test_importing_it_loads_nothing_heavy(home: Home):
    done = home.run(
        sys.executable,
        "-c",
        "import sys, json, kitaru_iac\n"
        "from kitaru_iac import KitaruError, StackInfo, create_stack\n"
        "print(json.dumps(sorted(sys.modules)))",
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"zenml", "pulumi", "pydantic", "typer", "yaml", "rich", "click"}


def test_kitaru_config_path_goes_before_zenmls(bare_home: Home, tmp_path):
    done = bare_home.run(
        sys.executable,
        "-c",
        "import kitaru_iac as k; k.create_stack('dev'); print(k.current_stack().name)",
        KITARU_CONFIG_PATH=str(tmp_path / "ours"),
    )
    assert done.stdout == "dev\n", done.stderr
    assert (tmp_path / "ours" / "config.yaml").exists()
    assert not bare_home.config.exists()
    listed = bare_home.kitaru("stack", "current", KITARU_CONFIG_PATH=str(tmp_path / "ours"))
    assert listed.stdout.startswith("Active stack: dev\n")


_BUSY = """
import threading
from kitaru_iac.spec.model import LocalSpec
from kitaru_iac.stacks import operations

stop, counts = threading.Event(), [0]

def work():
    while not stop.is_set():
        counts[0] += 1
        print(f"line {counts[0]}", flush=True)
        stop.wait(0.002)

worker = threading.Thread(target=work)
worker.start()
operations.create(LocalSpec(name="dev"), progress=print)
stop.set()
worker.join()
print(f"total {counts[0]}")
"""


def test_threads_of_a_program_and_its_callbacks_print_while_a_stack_is_made(bare_home: Home):
    done = bare_home.run(sys.executable, "-c", _BUSY)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    said = [line for line in lines if not line.startswith("line ")]
    assert said == ["Registering stack dev"]
    # None is lost, and none is ZenML's.
    assert [line for line in lines if line not in said] == [
        f"line {number}" for number in range(1, int(last.removeprefix("total ")) + 1)
    ]


_THREADS = """
import threading
import kitaru_iac as kitaru

def work(number):
    try:
        for _ in range(2):
            kitaru.create_stack(f"s{number}", activate=number == 0)
            kitaru.delete_stack(f"s{number}", recursive=True, force=True)
        print(number, "done")
    except BaseException as error:
        print(number, repr(error), getattr(error, "why", None))

workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print([stack.name for stack in kitaru.list_stacks()])
"""


@pytest.mark.slow
def test_several_threads_of_a_fresh_process_make_stacks(bare_home: Home):
    done = bare_home.run(sys.executable, "-I", "-c", _THREADS)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert sorted(lines) == [f"{number} done" for number in range(4)]
    assert last == "['default']"
