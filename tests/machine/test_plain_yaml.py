"""What is read and written without PyYAML is as PyYAML reads and writes it."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml

from kitaru_iac.machine.plain_yaml import dump, parse

ID = "1e5d1490-94bd-4d1d-ad5d-4e4b3068087e"
#: As ZenML writes them.
CONFIG = f"""\
active_project_id: {ID}
active_stack_id: null
analytics_opt_in: false
store:
  http_timeout: 30
  type: rest
  url: http://127.0.0.1:35805
  verify_ssl: true
user_id: 12345678-1234-1234-1234-123456789012
version: 0.98.0
"""
LOGINS = f"""\
http://127.0.0.1:35805:
  api_key: ZENKEY_eyJpZCI6Ij==
  api_token:
    access_token: eyJhbGciOi.eyJzdWIi-_.x
    device_id: {ID}
    expires: '2026-11-27T09:46:30+00:00'
  url: http://127.0.0.1:35805
"""
#: Pieces of which texts are made: what is plain, and what only looks so.
PIECES = (
    *("a", "b", "Yes", "null", "on", "e", "x1", "http://h:1/p", ID, "0.98.0", "1.5", "1e3", "0x1f"),
    *("012", "1_0", "1:30", "2026-11-27", "12:30:45", "-7", "0", "99999999999999999999", "~", "="),
    *(":", ": ", " ", "  ", "\n", "'", '"', "#", " #", "-", "- ", "{", "}", "{}", "[]", "|", ">"),
    *("&a", "*a", "!t", "<<", "?", "%", "@", "\\", "\t", "é", "\x00", "---", "...", ",", "''"),
)


def read(text: str) -> object:
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return "no YAML"


@pytest.mark.parametrize("text", [CONFIG, LOGINS])
def test_what_zenml_writes_is_plain(text: str) -> None:
    found = parse(text.encode())
    assert found == yaml.safe_load(text)
    assert found is not None
    assert dump(yaml.safe_load(CONFIG)) == CONFIG


@pytest.mark.parametrize("text", [CONFIG, LOGINS])
def test_any_text_means_what_pyyaml_says(text: str) -> None:
    rng = random.Random(13)
    plain = 0
    for _ in range(1500):
        lines = text.splitlines(keepends=True)
        for _ in range(rng.randint(1, 2)):
            lines = [line for line in lines if line]
            at = rng.randrange(len(lines))
            line, piece = lines[at], rng.choice(PIECES)
            key, _, value = line.partition(": ")
            lines[at] = rng.choice(
                (
                    f"{key}: {piece}\n",
                    f"{key}: {piece}{rng.choice(PIECES)}\n",
                    f"{piece}: {value}",
                    f"  {line}",
                    line.lstrip(),
                    line[: rng.randrange(len(line))] + piece + line[rng.randrange(len(line)) :],
                    f"{key}:\n",
                    "",
                )
            )
        changed = "".join(lines)
        found = parse(changed.encode())
        if found is not None:
            plain += 1
            assert (found, str(found)) == (read(changed), str(read(changed))), changed
    assert plain > 200


def test_any_mapping_is_written_as_pyyaml_does() -> None:
    rng = random.Random(13)

    def value(deep: int) -> Any:
        if deep and rng.random() < 0.3:
            return {rng.choice(PIECES): value(deep - 1) for _ in range(rng.randint(0, 3))}
        few: tuple[Any, ...] = (None, True, False, 7, -1, 10**20, 1.5, "", "a" * 200, "x y " * 40)
        return rng.choice((*few, *PIECES[:13]))

    written = 0
    for _ in range(2000):
        content = {rng.choice(PIECES[:10]): value(2) for _ in range(rng.randint(0, 3))}
        text = dump(content)
        if text is not None:
            written += 1
            assert text == yaml.safe_dump(content, sort_keys=True)
    assert written > 100
