from __future__ import annotations

import pytest

from kitaru_iac.checks.commands import OptionValue, command, note


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "cloud make"),
        ({"name": "a b"}, "cloud make --name 'a b'"),
        ({"long_name": "x"}, "cloud make --long-name x"),
        ({"name": None, "zone": "z"}, "cloud make --zone z"),
        ({"force": True}, "cloud make --force"),
        ({"force": False}, "cloud make"),
        ({"count": 3}, "cloud make --count 3"),
        ({"count": 0}, "cloud make --count 0"),
        ({"tags": {"a": "it's"}}, """cloud make --tags '{"a":"it'"'"'s"}'"""),
        ({"names": ["a", "b"]}, """cloud make --names '["a","b"]'"""),
        ({"name": ""}, "cloud make --name ''"),
        (
            {"force": True, "name": "x", "dry": False, "zone": "z"},
            "cloud make --force --name x --zone z",
        ),
    ],
)
def test_a_command_can_be_pasted(options: dict[str, OptionValue], line: str) -> None:
    assert command("cloud", "make", **options) == line


def test_a_note_is_a_comment_of_the_shell() -> None:
    assert note("cloud make", "then wait") == "cloud make  # then wait"
