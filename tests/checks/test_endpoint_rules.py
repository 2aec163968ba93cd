"""Whether a TCP connection is taken, and how long that is waited for."""

from __future__ import annotations

import socket
from contextlib import nullcontext

import pytest

from kitaru_iac.checks.endpoint import connects
from kitaru_iac.checks.probes import Unavailable


def test_a_connection_is_taken_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert connects(f"127.0.0.1:{port}", 5) is True
    assert connects(f"127.0.0.1:{port}", 5) is False


@pytest.mark.parametrize(("given", "waited"), [(0.5, 0.5), (5.0, 5.0), (60.0, 5.0)])
def test_nothing_is_waited_for_longer_than_the_check_or_a_few_seconds(
    given: float, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def connect(*call: object) -> nullcontext[None]:
        calls.append(call)
        return nullcontext()

    monkeypatch.setattr(socket, "create_connection", connect)
    assert connects("api.example.com", given) is True
    assert calls == [(("api.example.com", 443), waited)]


@pytest.mark.parametrize(
    "where",
    ["", ":443", "host:port", "host:99999", "a..b", "x" * 64 + ".example.com", "[::1", "\ud800"],
)
def test_what_is_no_address_is_not_called_out_of_reach(where: str) -> None:
    with pytest.raises(Unavailable, match="is none"):
        connects(where, 5)
