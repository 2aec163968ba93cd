"""Whether two backends may be one, told by their labels and by what this machine knows of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.infrastructure.backends import may_be_same

HTTPS = "https://api.pulumi.com"
AZURE = "azblob://states?storage_account="


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("file:///srv/state", "file:///srv/state/", True),
        ("file:///srv/state", "file:///srv//x/../state", True),
        ("file:///srv/a%20b", "file:///srv/a b", True),
        ("file:///srv/state", "file:///srv/other", False),
        ("file:///srv/state", "file:///srv/state/deeper", False),
        ("file:///srv/state", "file://state", True),  # relative to what nobody knows
        ("file:///srv/state", "file://…", True),  # so is what began with `~` in a record
        ("file:///srv/state", "s3://srv/state", False),
        ("file:///srv/state", "s3://…", False),
        ("file:///srv/state", "", True),  # the record does not say where
        ("s3://states?region=eu-west-1", "s3://states?awssdk=v2&region=eu-west-1", True),
        ("s3://states", "s3://states/", True),
        ("s3://states/a", "s3://states/b", False),
        ("s3://states?prefix=a/", "s3://states?prefix=b/", False),
        ("s3://states?prefix=a/", "s3://states", False),
        ("s3://states?prefix=a/", "s3://states/a", True),
        ("s3://states?prefix=a/", "s3://states/b", False),
        ("s3://states/b?prefix=a/", "s3://states/a/b", True),
        ("gs://states", "gs://other", False),
        (f"{AZURE}one", f"{AZURE}two", False),
        (f"{AZURE}one", "azblob://states", True),  # a variable tells it
        (HTTPS, "https://app.pulumi.com/acme", True),
        (HTTPS, "https://pulumi.example.com", False),
        ("file://[", "file:///srv/state", True),  # what cannot be read may be anything
        ("file://[", "s3://states", False),
    ],
)
def test_another_spelling_is_no_other_backend(one: str, other: str, *, same: bool) -> None:
    assert may_be_same(one, other) is same
    assert may_be_same(other, one) is same
    assert may_be_same(one, one)


def test_a_link_leads_to_the_same_folder(tmp_path: Path) -> None:
    for name in ("state", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "state")
    state, other, link = ((tmp_path / name).as_uri() for name in ("state", "other", "link"))
    assert may_be_same(state, link)
    assert not may_be_same(other, link)


def test_a_link_that_leads_nowhere_is_compared_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    loop = (tmp_path / "loop").as_uri()
    assert may_be_same(loop, f"{loop}/")
    assert not may_be_same(loop, tmp_path.as_uri())
