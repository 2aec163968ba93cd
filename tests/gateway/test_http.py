"""The HTTP client: what it sends, what it never sends, and what it says when nothing comes back."""

from __future__ import annotations

import itertools
import os
import random
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from kitaru_iac.errors import NotAllowedError, NotConnectedError
from kitaru_iac.gateway.http import AnswerLost, HttpClient, Timeouts, require_answer
from kitaru_iac.machine.unreadable import UnreadableError
from tests.gateway.web import LittleServer


def fine(path: str) -> tuple[int, Any]:
    return 200, {"version": "0.98.0"} if path.endswith("/info") else {"items": []}


def client(
    url: str,
    token: str | None = "t",
    *,
    verify: bool | str = True,
    environ: Mapping[str, str] | None = None,
    timeouts: Timeouts = Timeouts(5, 5),  # noqa: B008 - frozen
) -> HttpClient:
    return HttpClient(url, token=token, verify=verify, timeouts=timeouts, environ=environ or {})


class TestRequests:
    def test_a_read(self) -> None:
        with LittleServer(fine) as server:
            response = client(server.url).get("/api/v1/stacks", {"a": "b c", "d": True, "e": 2})
        assert (response.status, response.is_success) == (200, True)
        assert response.document() == {"items": []}
        asked = server.asked[0]
        assert (asked.method, asked.path) == ("GET", "/api/v1/stacks?a=b+c&d=true&e=2")
        assert asked.headers["Authorization"] == "Bearer t"
        assert asked.headers["User-Agent"].startswith("kitaru-iac/")
        assert (asked.body, asked.headers.get("Content-Type")) == (b"", None)

    @pytest.mark.parametrize("method", ["post", "put"])
    def test_a_document_is_sent(self, method: str) -> None:
        with LittleServer(lambda _: (201, {"id": "1"})) as server:
            response = getattr(client(server.url), method)("/stacks", {"name": "dev", "n": None})
        assert response.status == 201
        asked = server.asked[0]
        assert (asked.method, asked.body) == (method.upper(), b'{"name": "dev", "n": null}')
        assert asked.headers["Content-Type"] == "application/json"

    def test_a_deletion(self) -> None:
        with LittleServer(lambda _: (200, "")) as server:
            assert client(server.url).delete("/stacks/1", {"recursive": False}).document() is None
        assert (server.asked[0].method, server.asked[0].path) == (
            "DELETE",
            "/stacks/1?recursive=false",
        )

    def test_a_form_is_sent(self) -> None:
        with LittleServer(fine) as server:
            client(server.url).request(
                "POST", "/login", form={"password": "a&b"}, headers={"User-Agent": "mine"}
            )
        asked = server.asked[0]
        assert asked.body == b"password=a%26b"
        assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert asked.headers["User-Agent"] == "mine"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 503])
    def test_every_status_is_an_answer(self, status: int) -> None:
        with LittleServer(lambda _: (status, {"detail": "x"})) as server:
            response = client(server.url).get("/")
        assert (response.status, response.is_success) == (status, False)
        assert response.document() == {"detail": "x"}
        assert response.headers["content-length"] == "15"

    @pytest.mark.parametrize(
        ("method", "asked"), [("GET", 2), ("POST", 1), ("PUT", 1), ("DELETE", 1)]
    )
    @pytest.mark.parametrize("status", [429, 503])
    def test_where_a_server_has_no_time_a_read_is_sent_again_and_a_write_is_not(
        self, status: int, method: str, asked: int
    ) -> None:
        answers = iter([(status, {}), (200, {})])
        with LittleServer(lambda _: next(answers)) as server:
            client(server.url).request(method, "/stacks")
        assert len(server.asked) == asked

    @pytest.mark.parametrize("text", ["<html>", '{"a":', "[" * 100_000])
    def test_something_else_than_json(self, text: str) -> None:
        with LittleServer(lambda _: (200, text)) as server:
            response = client(server.url).get("/")
        with pytest.raises(UnreadableError, match="JSON"):
            response.document()

    @pytest.mark.parametrize(
        ("base", "path"), [("/deep/zenml", "/deep/zenml/a"), ("/a b%20c/", "/a%20b%20c/a")]
    )
    def test_a_server_below_a_path(self, base: str, path: str) -> None:
        with LittleServer(fine) as server:
            client(server.url + base).get("/a")
        assert server.asked[0].path == path

    def test_no_token_is_no_header(self) -> None:
        with LittleServer(fine) as server:
            client(server.url, None).get("/")
        assert "Authorization" not in server.asked[0].headers

    @pytest.mark.parametrize("token", ["s3cret\n", "s3cret é", "s3 cret", ""])
    def test_what_is_no_token_is_not_sent_nor_shown(self, token: str) -> None:
        with pytest.raises(NotAllowedError) as caught:
            client("http://host", token)
        assert "s3" not in str(caught.value)

    def test_nothing_of_it_is_shown(self) -> None:
        assert repr(client("http://host/a", "s3cret")) == "HttpClient('http://host/a')"


class TestConnection:
    def test_one_connection_for_all(self) -> None:
        with LittleServer(fine) as server, client(server.url) as to:
            for _ in range(3):
                to.get("/")
            to.post("/", {})
        assert {asked.connection for asked in server.asked} == {0}

    def test_a_connection_of_a_program_with_many_files(self) -> None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most[0] < 1200:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(1200, most[1]), most[1]))
        files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1024)]
        try:
            with LittleServer(fine) as server, client(server.url) as to:
                assert [to.get("/").status for _ in range(2)] == [200] * 2
        finally:
            for file in files:
                os.close(file)
            resource.setrlimit(resource.RLIMIT_NOFILE, most)

    def test_a_connection_that_the_server_closed_is_opened_again(self) -> None:
        with LittleServer(fine, close_after_each=True) as server, client(server.url) as to:
            assert [to.get("/").status for _ in range(3)] == [200] * 3
            for _ in range(3):
                time.sleep(0.2)  # the end is on its way; a write on it would be lost
                assert to.post("/", {}).status == 200
        assert [asked.method for asked in server.asked] == ["GET"] * 3 + ["POST"] * 3

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_a_write_is_never_sent_again(self, method: str) -> None:
        answers = iter([(200, {}), (0, None), (200, {})])
        with LittleServer(lambda _: next(answers)) as server, client(server.url) as to:
            to.get("/")
            with pytest.raises(AnswerLost, match="took a request") as caught:
                to.request(method, "/stacks")
        assert [asked.method for asked in server.asked] == ["GET", method]
        assert "may have done" in str(caught.value.why)
        assert caught.value.where == server.url

    def test_a_read_is_sent_again_on_an_idle_connection_only(self) -> None:
        answers = iter([(200, {}), (0, None), (200, {}), (0, None)])
        with LittleServer(lambda _: next(answers)) as server:
            with client(server.url) as to:
                to.get("/")
                assert to.get("/").status == 200
            with pytest.raises(NotConnectedError) as caught, client(server.url) as to:
                to.get("/")
        assert not isinstance(caught.value, AnswerLost)
        assert len(server.asked) == 4

    def test_a_write_to_nobody_was_not_done(self) -> None:
        with LittleServer(fine) as server:
            url = server.url
        with pytest.raises(NotConnectedError) as caught:
            client(url).post("/stacks", {})
        assert not isinstance(caught.value, AnswerLost)

    def test_a_form_that_changes_nothing_may_be_sent_again(self) -> None:
        answers = iter([(200, {}), (0, None), (200, {})])
        with LittleServer(lambda _: next(answers)) as server, client(server.url) as to:
            to.get("/")
            assert to.request("POST", "/login", form={}, is_read=True).status == 200
        assert [asked.method for asked in server.asked] == ["GET", "POST", "POST"]


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("location", ["/there?x=1", "http://127.0.0.1:{port}/there?x=1"])
    def test_a_read_follows_on_the_same_server(self, status: int, location: str) -> None:
        with LittleServer(lambda p: (200, p) if "there" in p else (status, {})) as server:
            server.location = location.format(port=server.port)
            response = client(server.url).get("/api")
        assert response.body == b"/there?x=1"
        assert server.asked[1].headers["Authorization"] == "Bearer t"

    def test_a_token_goes_to_no_other_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with LittleServer(fine) as other, LittleServer(lambda _: (307, {})) as server:
            for host in (f"localhost:{other.port}", f"127.0.0.1:{other.port}"):
                server.location = f"http://{host}/base/api?token=s3cret"
                with pytest.raises(NotConnectedError, match="another address") as caught:
                    client(server.url).get("/api")
                assert caught.value.remedy == f"Use that one: kitaru login http://{host}/base"
            server.location = f"http://me:s3cret@127.0.0.1:{server.port}/api"
            with pytest.raises(NotConnectedError, match="another address") as caught:
                client(server.url).get("/api")
            assert "s3cret" not in str(caught.value)
            monkeypatch.setenv("KITARU_SERVER_URL", server.url)  # which no login overrules
            monkeypatch.setenv("ZENML_STORE_URL", server.url)
            server.location = f"{other.url}/api"
            with pytest.raises(NotConnectedError) as caught:
                client(server.url).get("/api")
            assert str(caught.value.remedy).endswith(f"set KITARU_SERVER_URL to {other.url}")
        assert other.asked == []

    def test_a_write_follows_nowhere(self) -> None:
        with (
            LittleServer(lambda _: (307, {})) as server,
            pytest.raises(NotConnectedError, match="another address"),
        ):
            client(server.url).post("/api", {})
        assert len(server.asked) == 1

    @pytest.mark.parametrize("location", ["/circle", "http://[", "", "mailto:x", "//:80"])
    def test_one_that_leads_nowhere_ends(self, location: str) -> None:
        with (
            LittleServer(lambda _: (302, {}), location=location) as server,
            pytest.raises(NotConnectedError, match="another address"),
        ):
            client(server.url).get("/api")
        assert len(server.asked) <= 5


@contextmanager
def listening(talk: Any = None) -> Iterator[str]:
    """Something that takes connections, and says what `talk` sends, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if talk is not None:
                    talk(connection)

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestAway:
    def why(self, url: str, **more: Any) -> str:
        with pytest.raises(NotConnectedError, match="does not answer") as caught:
            client(url, **more).get("/api")
        assert caught.value.where == url
        return str(caught.value.why)

    def test_nobody_there(self) -> None:
        with LittleServer(fine) as server:
            url = server.url
        assert self.why(url) == "Nothing listens there"

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", f"{'x' * 64}.example"])
    def test_no_such_host(self, host: str) -> None:
        assert self.why(f"http://{host}") == f"There is no host named {host}"

    def test_silence(self) -> None:
        with listening() as url:
            assert self.why(url, timeouts=Timeouts(5, 0.3)) == "No answer within 0.3 seconds"

    def test_an_answer_that_drips(self) -> None:
        def drip(connection: socket.socket) -> None:
            for part in itertools.cycle([b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"]):
                try:
                    connection.sendall(part)
                except OSError:
                    return
                threading.Event().wait(0.05)

        with listening(drip) as url:
            why = self.why(url, timeouts=Timeouts(5, 5, total=0.5))
        assert why == "No answer within 0.5 seconds"

    def test_a_late_answer_is_not_taken_for_the_next_one(self) -> None:
        first = threading.Event()

        def answer(path: str) -> tuple[int, Any]:
            if path == "/slow":
                first.wait(5)
            return 200, path

        with LittleServer(answer) as server, client(server.url, timeouts=Timeouts(5, 5, 0.4)) as to:
            with pytest.raises(NotConnectedError):
                to.get("/slow")
            first.set()
            assert to.get("/fast").body == b"/fast"

    def test_another_protocol(self) -> None:
        with listening(lambda c: c.sendall(b"220 mail ESMTP\r\n")) as url:
            assert self.why(url) == "What listens there does not speak HTTP"

    def test_half_an_answer(self) -> None:
        def half(connection: socket.socket) -> None:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
            connection.close()

        with listening(half) as url:
            assert self.why(url) == "The connection was closed in the middle of an answer"

    def test_tls_to_a_plain_server(self) -> None:
        with LittleServer(fine) as server:
            assert self.why(f"https://127.0.0.1:{server.port}") == "It does not speak TLS"

    def test_a_control_sign_in_a_path_is_not_sent(self) -> None:
        with pytest.raises(NotConnectedError) as caught:
            client("http://127.0.0.1:9").get("/a\r\nX: s3cret")
        assert "s3cret" not in str(caught.value)


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "https://admin:top#s3cret@127.0.0.1:9",
            "https://admin:top?s3cret@127.0.0.1:9",
            "https://admin:s3cret",
            "https://[s3cret",
            "https://",
            "https://s3cret host",
            "https://s3cret\x7f",
            "https://host:99999",
            "ftp://host",
            "s3cret",
        ],
    )
    def test_one_that_is_none(self, url: str) -> None:
        with pytest.raises(NotConnectedError) as caught:
            client(url)
        assert "s3cret" not in str(caught.value)
        assert "top" not in str(caught.value)

    @pytest.mark.parametrize(
        "url", ["http://user:password@host", "http://host?a=b", "http://host#a", "http://me@host"]
    )
    def test_one_with_more_than_an_address_is_left_to_zenml(self, url: str) -> None:
        with pytest.raises(UnreadableError):
            client(url)


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def tls(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def refused(self, url: str, **more: Any) -> NotConnectedError:
        with pytest.raises(NotConnectedError, match="is not trusted") as caught:
            client(url, **more).get("/")
        assert caught.value.where == url
        return caught.value

    def test_an_unknown_authority(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name, raising=False)
        with LittleServer(fine, tls) as server:
            error = self.refused(server.url)
            assert error.why == "Unable to get local issuer certificate"
            assert f"kitaru login {server.url} --ca-cert FILE" in str(error.remedy)
            assert "REQUESTS_CA_BUNDLE" in str(error.remedy)
            monkeypatch.setenv("CURL_CA_BUNDLE", "x")
            assert "CURL_CA_BUNDLE" in str(self.refused(server.url).remedy)
        assert server.asked == []

    def test_where_a_variable_names_the_server_no_login_is_advised(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name, raising=False)
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        with LittleServer(fine, tls) as server:
            monkeypatch.setenv("ZENML_STORE_URL", server.url)
            said = str(self.refused(server.url).remedy)
            assert said.endswith("name a file of them in REQUESTS_CA_BUNDLE.")
            monkeypatch.setenv("CURL_CA_BUNDLE", "x")
            said += str(self.refused(server.url).remedy)
            assert said.endswith("add them to the file that CURL_CA_BUNDLE names.")
            monkeypatch.setenv("ZENML_STORE_VERIFY_SSL", str(other))
            said += str(self.refused(server.url, verify=str(other)).remedy)
            assert "Let ZENML_STORE_VERIFY_SSL name" in said
        assert "login" not in said
        other.write_text("no certificate")
        environ = {"ZENML_STORE_VERIFY_SSL": str(other)}
        with pytest.raises(NotConnectedError) as refused:
            client("https://host", environ=environ, verify=str(other))
        assert refused.value.where == "ZENML_STORE_VERIFY_SSL"
        assert "login" not in str(refused.value.remedy)

    def test_a_variable_that_requests_does_not_read(
        self,
        tls: ssl.SSLContext,
        authority: trustme.CA,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with LittleServer(fine, tls) as server:
            assert "SSL_CERT_FILE is not read" in str(self.refused(server.url).remedy)

    def test_a_bundle_as_a_file_a_text_and_a_variable(
        self, tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        text = authority.cert_pem.bytes().decode()
        with LittleServer(fine, tls) as server:
            client(server.url, verify=str(bundle)).get("/")
            client(server.url, verify=text).get("/")
            for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                client(server.url, environ={name: str(bundle)}).get("/")
        assert len(server.asked) == 4

    def test_the_stores_own_authorities_are_the_only_ones(
        self, tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
    ) -> None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
        environ = {"REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
        with LittleServer(fine, tls) as server:
            error = self.refused(server.url, verify=str(tmp_path / "other.pem"), environ=environ)
        assert "authorities of its own" in str(error.remedy)

    def test_another_name_than_the_certificate_says(
        self, tls: ssl.SSLContext, authority: trustme.CA
    ) -> None:
        text = authority.cert_pem.bytes().decode()
        with LittleServer(fine, tls) as server:
            error = self.refused(f"https://localhost:{server.port}", verify=text)
        assert "name" in str(error.remedy)

    def test_an_expired_certificate(self, authority: trustme.CA) -> None:
        from datetime import UTC, datetime

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        past = datetime(2020, 1, 1, tzinfo=UTC)
        authority.issue_cert("127.0.0.1", not_after=past).configure_cert(context)
        with LittleServer(fine, context) as server:
            error = self.refused(server.url, verify=authority.cert_pem.bytes().decode())
        assert (error.why, "renewed" in str(error.remedy)) == ("Certificate has expired", True)

    def test_without_verification(self, tls: ssl.SSLContext) -> None:
        with LittleServer(fine, tls) as server:
            client(server.url, verify=False).get("/")
        assert len(server.asked) == 1

    @pytest.mark.parametrize("variable", [None, "REQUESTS_CA_BUNDLE"])
    def test_a_bundle_that_cannot_be_used(self, tmp_path: Path, variable: str | None) -> None:
        (tmp_path / "bad.pem").write_text("no certificate")
        for name in ("none.pem", "bad.pem"):
            path = str(tmp_path / name)
            environ = {variable: path} if variable else {}
            with pytest.raises(NotConnectedError, match="certificate authorities") as caught:
                client("https://host", environ=environ, verify=True if variable else path)
            assert caught.value.where == (variable or "verify_ssl")
            assert name in str(caught.value.why)
            remedy = "Name a file of certificates" if variable else "Log in again"
            assert ("does not exist" in caught.value.what) is (name == "none.pem")
            assert str(caught.value.remedy).startswith(remedy)


class TestProxy:
    def test_it_is_asked_for_the_whole_url(self) -> None:
        with LittleServer(fine) as proxy:
            environ = {"http_proxy": f"http://user:p%40ss@127.0.0.1:{proxy.port}"}
            client("http://far.example/base", environ=environ).get("/api")
        assert proxy.asked[0].path == "http://far.example/base/api"
        assert proxy.asked[0].headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
        assert proxy.asked[0].headers["Host"] == "far.example"

    def test_a_tunnel_is_asked_for_https(self) -> None:
        seen: list[bytes] = []

        def refuse(connection: socket.socket) -> None:
            seen.append(connection.recv(4096))
            connection.sendall(b"HTTP/1.1 407 Who are you\r\n\r\n")
            connection.close()

        with listening(refuse) as url:
            proxy = url.removeprefix("http://")
            environ = {"HTTPS_PROXY": f"me:s3cret@{proxy}"}
            with pytest.raises(NotConnectedError, match="does not answer") as caught:
                client("https://far.example", environ=environ).get("/")
        assert seen[0].startswith(b"CONNECT far.example:443 ")
        assert b"Proxy-Authorization: Basic bWU6czNjcmV0" in seen[0]
        assert b"Bearer" not in seen[0]
        assert f"by the proxy {proxy} (HTTPS_PROXY): 407 Who are you" in str(caught.value.why)
        assert "NO_PROXY" in str(caught.value.remedy)
        assert "s3cret" not in str(caught.value)

    def test_one_that_is_away_is_named(self) -> None:
        with LittleServer(fine) as proxy:
            address = f"127.0.0.1:{proxy.port}"
        with pytest.raises(NotConnectedError) as caught:
            client("http://far.example", environ={"http_proxy": f"http://{address}"}).get("/")
        assert caught.value.why == f"Nothing listens at the proxy {address} (http_proxy)"

    @pytest.mark.parametrize("proxy", ["http://me:s3#cret@proxy:1", "http://[s3cret", "http://"])
    def test_one_that_is_no_address(self, proxy: str) -> None:
        with pytest.raises(NotConnectedError, match="no address") as caught:
            client("http://far.example", environ={"HTTP_PROXY": proxy})
        assert caught.value.where == "HTTP_PROXY"
        assert "s3" not in str(caught.value)

    @pytest.mark.parametrize("proxy", ["socks5://proxy.example:1080", "https://proxy.example"])
    def test_other_kinds_are_left_to_zenml(self, proxy: str) -> None:
        with pytest.raises(UnreadableError, match="proxy"):
            client("http://far.example", environ={"http_proxy": proxy})

    def test_requests_chooses_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Which proxy is used, for many hosts and environments, as `requests` sees it."""
        from requests.utils import get_environ_proxies, select_proxy

        hosts = ["far.example", "near.far.example", "10.1.2.3", "localhost", "127.0.0.1", "10.1"]
        hosts += ["Far.Example:8080", "[::1]", "far.example:8080", "xfar.example"]
        exceptions = ["", "far.example", ".far.example", "example", "10.0.0.0/8", "10.1.2.3", "*"]
        exceptions += ["localhost,127.0.0.1", "far.example:8080", " far.example , x", "2.3", "*,x"]
        exceptions += ["FAR.example", "10.0.0.0/33", "10.0.0.0/x", "[::1]", "::1", "0.0.0.0/0"]
        names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "Http_Proxy", "https_proxy")
        for name in [*names, "HTTPS_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"]:
            monkeypatch.delenv(name, raising=False)
        chance = random.Random(3)
        for _ in range(600):
            chosen = {
                name: chance.choice(["", f"http://{name.lower().replace('_', '-')}-{i}:3128"])
                for i, name in enumerate(chance.sample(names, 3))
            }
            chosen[chance.choice(["no_proxy", "NO_PROXY"])] = chance.choice(exceptions)
            if chance.random() < 0.2:
                chosen["REQUEST_METHOD"] = "GET"
            scheme = chance.choice(["http", "https"])
            url = f"{scheme}://{chance.choice(hosts)}"
            with monkeypatch.context() as patch:
                for name, value in chosen.items():
                    patch.setenv(name, value)
                theirs = select_proxy(url, get_environ_proxies(url))
            ours = client(url, environ=chosen, verify=False)._proxy
            assert (ours and f"http://{ours.address}") == theirs, (url, chosen)

    def test_this_process_s_environment_is_the_default(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://proxy.example:1")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        proxy = HttpClient("http://far.example")._proxy
        assert proxy is not None
        assert proxy.variable == "http_proxy"
        assert os.environ["http_proxy"]


class TestKnock:
    def test_somebody_is_there(self) -> None:
        with LittleServer(fine) as server:
            require_answer(server.url, {})
            require_answer(server.url.replace("//", "//me:word@") + "?a#b", {})
        assert [asked.path for asked in server.asked] == ["/api/v1/info"] * 2
        assert not any("Authorization" in asked.headers for asked in server.asked)

    @pytest.mark.parametrize(
        "answer", [(200, "<html>"), (200, []), (200, {}), (500, {}), (302, {})]
    )
    def test_somebody_else_is(self, answer: tuple[int, Any]) -> None:
        with LittleServer(lambda _: answer) as server, pytest.raises(NotConnectedError):
            require_answer(server.url, {}, timeout=1)

    def test_nobody_is(self) -> None:
        with pytest.raises(NotConnectedError) as caught:
            require_answer("http://me:word@127.0.0.1:9", {})
        assert caught.value.where == "http://127.0.0.1:9"
        assert "kitaru status" in str(caught.value.remedy)

    def test_somebody_who_is_not_trusted(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        with LittleServer(fine, context) as server:
            with pytest.raises(NotConnectedError, match="not trusted"):
                require_answer(server.url, {})
            require_answer(server.url, {}, verify=False)

    def test_a_way_that_only_zenml_knows(self) -> None:
        require_answer("http://far.example", {"http_proxy": "socks5://127.0.0.1:9"})
