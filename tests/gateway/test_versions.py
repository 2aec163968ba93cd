"""Which version of a server is taken for what. Takes no time."""

from __future__ import annotations

import time

import pytest

from kitaru_iac.errors import ExitCode, NotConnectedError
from kitaru_iac.gateway.versions import (
    NEWEST,
    OLDEST,
    Support,
    check_server,
    release_line,
    support,
)
from kitaru_iac.notices import VersionMismatch
from tests.servers.releases import RELEASES


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.85.0", "ok"),
        ("0.85", "ok"),
        ("0.85.0rc1", "ok"),  # of that line, whatever sorts before its first release
        ("0.90.0.dev20250901", "ok"),
        ("0.98.0", "ok"),
        ("0.98.17", "ok"),
        ("0.98.0+x", "ok"),
        ("0.98.0rc1+ubuntu.1-2", "ok"),
        ("0.98.0-1", "ok"),
        ("v0.98.0", "ok"),
        (" 0.98.0\n", "ok"),
        ("0.98.0.post1.dev2", "ok"),
        ("0.84.9", "too_old"),
        ("0.84.3+patched", "too_old"),
        ("0.9.0", "too_old"),  # no decimal fraction
        ("0.0.0", "too_old"),
        ("0.99.0", "newer"),
        ("0.99.0.dev1", "newer"),
        ("0.100.0", "newer"),
        ("1.0.0a1", "newer"),
        ("999999.1", "newer"),
        ("", "unknown"),
        ("1", "unknown"),
        ("unknown", "unknown"),
        ("0.98.x", "unknown"),
        ("0.98.0\t", "ok"),
        ("0.98.0 nightly", "unknown"),
        ("0.98.0+", "unknown"),
        ("-0.98", "unknown"),
        ("٠.٩٨", "unknown"),
        ("0.98\n0.85", "unknown"),
        ("<html>", "unknown"),
        ("9" * 5000 + ".1", "unknown"),  # more digits than `int` takes
    ],
)
def test_a_version_is_taken_for(version: str, said: Support) -> None:
    assert support(version) == said


def test_too_old_is_refused_with_the_reason() -> None:
    with pytest.raises(NotConnectedError) as refused:
        check_server("https://zenml.example", "0.84.3")
    assert refused.value.exit_code is ExitCode.NOT_CONNECTED
    text = str(refused.value)
    assert "https://zenml.example" in text
    assert "0.84.3" in text
    assert "0.85" in f"{text} {refused.value.why}"


@pytest.mark.parametrize("version", ["0.99.1", "2.0", "garbage", "\x1b[2Jx", "a\nb", "z" * 10_000])
def test_newer_or_unreadable_is_one_line_of_warning(version: str) -> None:
    (warning,) = check_server("https://zenml.example", version)
    assert isinstance(warning, VersionMismatch)
    assert len(str(warning)) < 200
    assert str(warning).isprintable()


def test_known_is_nothing_to_talk_about() -> None:
    for release in RELEASES:
        assert check_server("https://zenml.example", release) == ()


def test_the_tested_releases_are_the_supported_ones() -> None:
    lines = sorted(line for line in map(release_line, RELEASES) if line)
    assert (lines[0], lines[-1]) == (OLDEST, NEWEST)
    assert len(lines) >= 4


@pytest.mark.parametrize(
    "text", ["rc" * 32, "rev" * 20, "0.98" + ".1" * 30, "0.98+" + "a" * 59 + "!"]
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.thread_time()
    for _ in range(100):
        support(f"0.98.0{text}"[:64])
    assert time.thread_time() - begun < 2
