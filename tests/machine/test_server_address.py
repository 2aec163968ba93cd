"""What people paste as a server's address, and what is made of it."""

from __future__ import annotations

import pytest

from kitaru_iac.machine.server_address import (
    likely_address,
    more_than_address,
    server_address,
    without_page,
)


@pytest.mark.parametrize(
    ("given", "address", "is_said"),
    [
        ("https://zenml.example", "https://zenml.example", False),
        (" https://zenml.example//\n", "https://zenml.example", False),
        ("HTTPS://zenml.example", "https://zenml.example", False),
        ("https://zenml.example/api", "https://zenml.example", True),
        ("https://zenml.example/api/v1/", "https://zenml.example", True),
        ("https://zenml.example//api//v1/info", "https://zenml.example", True),
        ("https://zenml.example?token=hunter2", "https://zenml.example", True),
        ("https://zenml.example/#/hunter2", "https://zenml.example", True),
        ("https://zenml.example:8080/ml/api/v1?a=b", "https://zenml.example:8080/ml", True),
        # Only asking tells what these are.
        ("https://zenml.example/projects/default", "https://zenml.example/projects/default", False),
        ("https://zenml.example/apis", "https://zenml.example/apis", False),
        ("https://zenml.example/api/v2", "https://zenml.example/api/v2", False),
        # A password may hold any sign.
        ("https://u:hunter2?#/api@host/api", "https://u:hunter2?#/api@host/api", False),
        ("sqlite:///tmp/zenml.db?a=b", "sqlite:///tmp/zenml.db?a=b", False),
        ("zenml.example/api/v1", "zenml.example/api/v1", False),
        ("https://", "https://", False),
        ("", "", False),
    ],
)
def test_the_address_of_a_server(given: str, address: str, is_said: bool) -> None:
    assert server_address(given) == server_address(address) == address
    said = more_than_address(given, "URL")
    assert (said is not None) == is_said
    assert said is None or (f": {address} is used" in said and "hunter2" not in said)


@pytest.mark.parametrize(
    ("given", "likely"),
    [
        ("zenml.example", "https://zenml.example"),
        ("zenml.example/api/v1/", "https://zenml.example"),
        ("ftp://zenml.example:81/ml?a", "https://zenml.example:81/ml"),
        ("ZENKEY_hunter2", None),
        ("", None),
    ],
)
def test_what_was_probably_meant(given: str, likely: str | None) -> None:
    assert likely_address(given) == likely


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://zenml.example/workspaces/w/projects/p", "https://zenml.example"),
        ("https://zenml.example", None),
        ("", None),
    ],
)
def test_an_address_without_its_page(address: str, host: str | None) -> None:
    assert without_page(address) == host
