"""Several descriptions: which files are read, in which order, and everything that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kitaru_iac.errors import DescriptionError, UsageError
from kitaru_iac.spec.files import choose, documents_in, is_several, load_all, read_all


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def names(*files: object) -> list[str]:
    return [item.spec.name for item in load_all(documents_in([str(file) for file in files]))]


def test_documents_and_folders_in_order(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "stacks",
        b_yaml="name: b1\n---\n---\n# nothing\n---\nname: b2\n---\n",
        a_yml="name: a",
        c_txt="not: read",
    )
    (folder / ".hidden.yaml").write_text("name: hidden")
    (folder / "deeper.yaml").mkdir()
    single = write(tmp_path, z_yaml="name: z") / "z.yaml"
    assert names(single, folder) == ["z", "a", "b1", "b2"]
    # A file that is named twice is read once.
    assert names(folder, folder / "a.yml", folder / ".." / "stacks" / "b.yaml") == ["a", "b1", "b2"]


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("name: a", False),
        ("---\nname: a\n---\n", False),
        ("name: a\n---\nname: b\n", True),
        ("name: a\n---\n- list\n", False),  # an error, for whoever reads it
        ("name: [a\n", False),
        ("", False),
    ],
)
def test_which_file_holds_several(tmp_path: Path, text: str, several: bool) -> None:
    file = write(tmp_path, a_yaml=text) / "a.yaml"
    assert is_several([str(file)]) is several


def test_what_is_no_file_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    assert not is_several(["-"])
    assert not is_several([str(tmp_path / "none.yaml")])
    assert not is_several(["/dev/null"])
    assert is_several([str(tmp_path)])
    assert not is_several([])


def test_a_stack_of_several_is_active_only_where_it_says_so(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="name: a\n---\nname: b\nactivate: true\n")
    found = load_all(documents_in([str(tmp_path)]))
    assert [item.spec.activate for item in found] == [False, True]


def problems(*files: Path) -> list[tuple[str, str]]:
    with pytest.raises(DescriptionError) as caught:
        read_all([str(file) for file in files])
    return [(f"{Path(str(p.source)).name}", f"{p.field}: {p.what}") for p in caught.value.problems]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "x",
        a_yaml="name: one\ntyp: local\n---\ntype: local\n",
        b_yaml="name: one\nactivate: true\n---\nname: two\nactivate: true\nregion: 3\n",
    )
    found = problems(folder)
    assert [place for place, _ in found] == [
        "a.yaml:2",
        "a.yaml:4",
        "b.yaml:6",
        "b.yaml:1",
        "b.yaml:5",
    ]
    said = [text for _, text in found]
    assert said[0].startswith("typ:")
    assert said[1].startswith("name:")
    assert "described twice" in said[3]
    assert "another stack is to be the active one" in said[4]


def test_every_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad", a_yaml="name: [", b_yaml="- x\n", c_yaml="name: fine\nregoin: x")
    empty = write(tmp_path / "empty", a_txt="")
    found = problems(bad, empty, tmp_path / "none.yaml")
    places = ["a.yaml:1", "b.yaml:1", "empty", "none.yaml", "c.yaml:2"]
    assert [place for place, _ in found] == places  # and what is wrong with those that can be


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", a_yaml="name: a")
    (folder / "b.yaml").symlink_to(tmp_path / "gone.yaml")
    os.mkfifo(folder / "pipe.yaml")  # nobody writes into it
    assert problems(folder) == [
        ("b.yaml", "file: there is no such file"),
        ("pipe.yaml", "file: it is not a file"),
    ]


def test_chosen_are_those_of_these_names_in_the_order_of_the_files(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="name: prod\n---\nname: test\n---\nname: dev\n")
    found = load_all(documents_in([str(tmp_path)]))
    assert [item.spec.name for item in choose(found, ["dev", "prod", "dev"])] == ["prod", "dev"]
    with pytest.raises(UsageError) as caught:
        choose(found, ["prd", "dev", "tets", "prd"])
    assert caught.value.what == "No file describes `prd` and `tets`"
    assert caught.value.remedy == "Did you mean `prod` and `test`?"
    with pytest.raises(UsageError) as caught:
        choose(found, ["zzzzzz"])
    assert caught.value.remedy == "Described are prod, test, dev."
