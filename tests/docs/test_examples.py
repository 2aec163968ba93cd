"""The examples of the documentation run as printed, and its descriptions are right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from kitaru_iac.spec import from_mapping, json_schema
from tests.docs.markdown import ROOT, Block, blocks, fits, pages, session
from tests.homes import Home
from tests.warm.client import commands

SESSIONS = [
    path for path in pages() if any(b.words[:2] == ("console", "run") for b in blocks(path))
]
DESCRIPTIONS = [
    block
    for path in pages()
    for block in blocks(path)
    if block.words[:1] == ("yaml",) and "other" not in block.words
]


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_session_runs_as_printed(path: Path, bare_home: Home):
    bin_folder = f"{commands()}:{Path(sys.executable).parent}"
    for block in blocks(path):
        if block.words[:2] != ("console", "run"):
            continue
        for step in session(block.text):
            done = bare_home.run(
                "bash", "-c", f"PATH={bin_folder}:$PATH\nexec 2>&1\n{step.command}"
            )
            if step.output:
                got = done.stdout.splitlines()
                assert fits(step.output, got), f"{block}: {step.command}\n{done.stdout}"
            else:
                assert done.returncode == 0, f"{block}: {step.command}\n{done.stdout}"


@pytest.mark.parametrize("block", DESCRIPTIONS, ids=str)
def test_a_description_is_right(block: Block):
    content = yaml.safe_load(block.text)
    problems = list(Draft7Validator(json_schema()).iter_errors(content))
    assert not problems, problems
    from_mapping(content)


def test_the_reader_of_pages_understands_their_sessions():
    steps = session("$ a \\\n  b\none\n$ c\n$ d\n...\nlast\n")
    assert [(s.command, s.output) for s in steps] == [
        ("a \\\n  b", ("one",)),
        ("c", ()),
        ("d", ("...", "last")),
    ]
    assert fits(("...", "last"), ["x", "y", "last"])
    assert not fits(("...", "last"), ["last", "x"])
    assert fits(("first ...", "..."), ["first of all", "x", "y"])
    assert not fits(("first ...",), ["at first"])
