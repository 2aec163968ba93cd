from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kitaru_iac.errors import DescriptionError, ExitCode
from tests.spec.bad_inputs import BAD_INPUTS, GOOD, SECRET, BadInput, argv
from tests.spec.command_line import load_argv


def test_table_is_large_and_its_ids_are_unique():
    assert len(BAD_INPUTS) >= 150
    assert max(Counter(row.id for row in BAD_INPUTS).values()) == 1


@pytest.mark.parametrize("base", GOOD, ids=str)
def test_the_rows_start_from_what_is_right(base: str):
    load_argv(argv(GOOD[base]))


@pytest.mark.parametrize("row", BAD_INPUTS, ids=str)
def test_bad_input_is_refused(row: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    if row.yaml is not None:
        content = row.yaml.encode() if isinstance(row.yaml, str) else row.yaml
        (tmp_path / "stack.yaml").write_bytes(content)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DescriptionError) as caught:
        load_argv(row.argv)
    text = str(caught.value)
    for part in row.expect:
        assert part in text
    assert SECRET not in text
    assert SECRET not in repr(caught.value.to_dict())
    assert len(caught.value.problems) == row.problems, text
    assert caught.value.exit_code == row.exit_code == ExitCode.USAGE
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.no_cover
def test_each_problem_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for row in BAD_INPUTS:
        if row.yaml is not None:
            content = row.yaml.encode() if isinstance(row.yaml, str) else row.yaml
            (tmp_path / "stack.yaml").write_bytes(content)
        with pytest.raises(DescriptionError) as caught:
            load_argv(row.argv)
        for problem in caught.value.problems:
            assert problem.source, row.id
