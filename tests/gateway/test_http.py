from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.http import Connection
from kitaru_iac.machine.unreadable import UnreadableError
from tests.gateway.web import LittleServer


def fine(_: str) -> tuple[int, Any]:
    return 200, {"items": []}


def connection(
    url: str,
    token: str | None = "t",
    *,
    verify: bool | str = True,
    environ: Mapping[str, str] | None = None,
) -> Connection:
    return Connection(url, token, verify=verify, timeout=5, environ=environ or {})


class TestHttp:
    def test_a_document(self) -> None:
        with LittleServer(fine) as server:
            assert connection(server.url).get("/api/v1/stacks?a=b") == {"items": []}
        asked = server.asked[0]
        assert asked.path == "/api/v1/stacks?a=b"
        assert asked.headers["Authorization"] == "Bearer t"
        assert asked.headers["User-Agent"].startswith("kitaru-iac/")

    def test_a_server_below_a_path(self) -> None:
        with LittleServer(fine) as server:
            connection(f"{server.url}/deep/zenml").get("/api/v1/stacks")
        assert server.asked[0].path == "/deep/zenml/api/v1/stacks"

    def test_no_token_is_no_header(self) -> None:
        with LittleServer(fine) as server:
            connection(server.url, None).get("/")
        assert "Authorization" not in server.asked[0].headers

    def test_one_connection_for_all(self) -> None:
        with LittleServer(fine) as server:
            to = connection(server.url)
            for _ in range(3):
                to.get("/")
            to.close()
        assert {asked.connection for asked in server.asked} == {0}

    def test_a_connection_that_the_server_closed_is_opened_again(self) -> None:
        with LittleServer(fine, close_after_each=True) as server:
            to = connection(server.url)
            assert [to.get("/") for _ in range(3)] == [{"items": []}] * 3

    @pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 422, 500, 503])
    def test_any_other_status_is_left_to_zenml(self, status: int) -> None:
        with (
            LittleServer(lambda _: (status, {})) as server,
            pytest.raises(UnreadableError, match=str(status)),
        ):
            connection(server.url).get("/")
        assert len(server.asked) == 1

    def test_a_login_is_left_to_zenml(self) -> None:
        with (
            LittleServer(lambda _: (401, {})) as server,
            pytest.raises(UnreadableError, match="login"),
        ):
            connection(server.url).get("/")

    def test_something_else_than_json(self) -> None:
        with (
            LittleServer(lambda _: (200, "<html>")) as server,
            pytest.raises(UnreadableError, match="JSON"),
        ):
            connection(server.url).get("/")

    def test_nobody_there_is_said_at_once(self) -> None:
        with LittleServer(fine) as server:
            url = server.url
        with pytest.raises(NotConnectedError, match="does not answer") as caught:
            connection(url).get("/")
        assert caught.value.where == url
        assert "refused" in str(caught.value.why)

    def test_a_url_with_a_password(self) -> None:
        with pytest.raises(UnreadableError):
            connection("http://user:password@host")


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def tls(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def test_an_unknown_authority_is_refused(self, tls: ssl.SSLContext) -> None:
        with (
            LittleServer(fine, tls) as server,
            pytest.raises(NotConnectedError, match="answer") as caught,
        ):
            connection(server.url).get("/")
        assert "certificate" in str(caught.value.why).lower()
        assert server.asked == []

    def test_a_bundle_as_a_file_a_text_and_a_variable(
        self, tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        text = authority.cert_pem.bytes().decode()
        with LittleServer(fine, tls) as server:
            connection(server.url, verify=str(bundle)).get("/")
            connection(server.url, verify=text).get("/")
            for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                connection(server.url, environ={name: str(bundle)}).get("/")
        assert len(server.asked) == 4

    def test_another_name_than_the_certificate_says(
        self, tls: ssl.SSLContext, authority: trustme.CA
    ) -> None:
        text = authority.cert_pem.bytes().decode()
        with LittleServer(fine, tls) as server, pytest.raises(NotConnectedError):
            connection(f"https://localhost:{server.port}", verify=text).get("/")

    def test_without_verification(self, tls: ssl.SSLContext) -> None:
        with LittleServer(fine, tls) as server:
            connection(server.url, verify=False).get("/")
        assert len(server.asked) == 1

    def test_a_bundle_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableError, match="bundle"):
            connection("https://host", verify=str(tmp_path / "none.pem"))


class TestProxy:
    def test_it_is_asked_for_the_whole_url(self) -> None:
        with LittleServer(fine) as proxy:
            environ = {"http_proxy": f"http://user:p%40ss@127.0.0.1:{proxy.port}"}
            connection("http://far.example/base", environ=environ).get("/api")
        assert proxy.asked[0].path == "http://far.example/base/api"
        assert proxy.asked[0].headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
        assert proxy.asked[0].headers["Host"] == "far.example"

    def test_a_tunnel_is_asked_for_https(self) -> None:
        to = connection("https://far.example", environ={"HTTPS_PROXY": "proxy.example:3128"})
        assert (to._http.host, to._http.port) == ("proxy.example", 3128)
        assert (to._http._tunnel_host, to._http._tunnel_port) == ("far.example", 443)

    @pytest.mark.parametrize(
        "exception",
        [
            "far.example",
            ".example",
            "*",
            "other, far.example",
            "far.example:80",
        ],
    )
    def test_exceptions(self, exception: str) -> None:
        environ = {"http_proxy": "http://proxy.example", "no_proxy": exception}
        assert connection("http://far.example", environ=environ)._http.host == "far.example"

    def test_a_network_as_an_exception(self) -> None:
        environ = {"all_proxy": "http://proxy.example", "NO_PROXY": "10.0.0.0/8"}
        assert connection("http://10.1.2.3", environ=environ)._http.host == "10.1.2.3"
        assert connection("http://11.1.2.3", environ=environ)._http.host == "proxy.example"
        assert connection("http://far.example", environ=environ)._http.host == "proxy.example"

    @pytest.mark.parametrize("proxy", ["socks5://proxy.example:1080", "https://proxy.example"])
    def test_other_kinds_are_left_to_zenml(self, proxy: str) -> None:
        with pytest.raises(UnreadableError, match="proxy"):
            connection("http://far.example", environ={"http_proxy": proxy})

    def test_requests_chooses_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whether a proxy is used, for many hosts and exceptions, as `requests` sees it."""
        from requests.utils import get_environ_proxies

        hosts = ["far.example", "near.far.example", "10.1.2.3", "localhost", "127.0.0.1"]
        exceptions = ["", "far.example", "example", "10.0.0.0/8", "10.1.2.3", "localhost,127.0.0.1"]
        for name in ("HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
        for exception in exceptions:
            monkeypatch.setenv("no_proxy", exception)
            environ = {"http_proxy": "http://proxy.example:3128", "no_proxy": exception}
            for host in hosts:
                theirs = "http" in get_environ_proxies(f"http://{host}/")
                ours = connection(f"http://{host}", environ=environ)._http.host == "proxy.example"
                assert ours == theirs, (host, exception)
