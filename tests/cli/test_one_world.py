"""Certificates and proxies: all commands see one world, which is that of ZenML's `requests`."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from kitaru_iac.connection.server import Server
from tests.doubles.proxy import ConnectProxy
from tests.doubles.tls import ThrowAwayCA
from tests.homes import Home
from tests.servers.front import tls_front
from tests.servers.zenml import ZenMLServer

#: What the machine that runs the tests may say of certificates and proxies.
ENVIRONMENT = (
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
#: A host that only the proxy knows.
FAR = "zenml.example"


@dataclass(frozen=True)
class World:
    """One world, and whether the server can be reached in it.

    Attributes:
        url: The server; ``{port}`` is the one that speaks TLS.
        works: Whether it is reached and trusted.
        says: What is said where it is not.
        env: Variables; ``{ca}`` is the authority's file, ``{proxy}`` the proxy.
        verify: What the store's configuration says.
        certificate: Which one the server has.
    """

    url: str = "https://127.0.0.1:{port}"
    works: bool = True
    says: str = ""
    env: dict[str, str] = field(default_factory=dict)
    verify: bool | str = True
    certificate: str = "good"


TRUSTED = {"REQUESTS_CA_BUNDLE": "{ca}"}
WORLDS = {
    "a bundle for requests": World(env=TRUSTED),
    "a bundle for curl": World(env={"CURL_CA_BUNDLE": "{ca}"}),
    "a bundle of the store": World(verify="{ca}"),
    "not verified": World(verify=False, certificate="expired"),
    "a proxy": World(url=f"https://{FAR}", env={**TRUSTED, "HTTPS_PROXY": "{proxy}"}),
    "a proxy that is bypassed": World(
        env={**TRUSTED, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    ),
    "nobody it trusts": World(works=False, says="not trusted"),
    "a bundle for others": World(works=False, says="not trusted", env={"SSL_CERT_FILE": "{ca}"}),
    "a bundle of somebody else": World(works=False, says="not trusted", verify="{other}"),
    "a bundle that is gone": World(
        works=False, says="certificate authorities", env={"REQUESTS_CA_BUNDLE": "{ca}.gone"}
    ),
    "an expired certificate": World(
        works=False, says="has expired", env=TRUSTED, certificate="expired"
    ),
    "a certificate of another": World(
        works=False, says="not trusted", env=TRUSTED, url="https://localhost:{port}"
    ),
    "a proxy that is away": World(
        works=False, says="does not answer", env={**TRUSTED, "HTTPS_PROXY": "http://127.0.0.1:9"}
    ),
    "a proxy that is no address": World(
        works=False, says="no address", env={**TRUSTED, "HTTPS_PROXY": "http://me:hunt#er2@proxy"}
    ),
    "a proxy that refuses": World(
        works=False,
        says="502",
        url="https://other.example",
        env={**TRUSTED, "HTTPS_PROXY": "{proxy}"},
    ),
}
#: What each command adds to a world in which a login has the store's own bundle.
COMMANDS = (("status",), ("stack", "list"), ("stack", "create", "dev"), ("init",), ("login",))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def port(world: World, authority: trustme.CA, empty_server: ZenMLServer) -> Iterator[int]:
    """Where the real server speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    end = datetime(2020, 1, 1, tzinfo=UTC) if world.certificate == "expired" else None
    authority.issue_cert("127.0.0.1", FAR, not_after=end).configure_cert(context)
    with tls_front(context, urlsplit(empty_server.url).port or 0) as port:
        yield port


@pytest.fixture
def proxy(port: int, tmp_path: Path) -> Iterator[ConnectProxy]:
    proxy = ConnectProxy(ThrowAwayCA(tmp_path / "proxy"))
    proxy.tunnel(lambda host: host == FAR, port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_every_command_sees_the_same(
    world: World,
    port: int,
    proxy: ConnectProxy,
    authority: trustme.CA,
    empty_server: ZenMLServer,
    home: Home,
) -> None:
    places = {"ca": home.path / "ca.pem", "other": home.path / "other.pem", "proxy": proxy.url}
    authority.cert_pem.write_to_path(home.path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(home.path / "other.pem")
    url = world.url.format(port=port)
    verify = world.verify.format(**places) if isinstance(world.verify, str) else world.verify
    env = {name: world.env.get(name, "").format(**places) for name in ENVIRONMENT}
    env |= {name.lower(): value for name, value in env.items() if name.endswith("_PROXY")}

    token = str(Server(empty_server.url).login(empty_server.api_key)["access_token"])
    store = {"type": "rest", "url": url, "verify_ssl": verify}
    login = {"url": url, "api_key": empty_server.api_key, "api_token": {"access_token": token}}
    (home.config / "config.yaml").write_text(json.dumps({"store": store, "version": "0.98.0"}))
    (home.config / "credentials.yaml").write_text(json.dumps({url: login}))

    flags = ["--ca-cert", verify] if isinstance(verify, str) else []
    flags = ["--no-verify-ssl"] if verify is False else flags
    for words in COMMANDS:
        line = (*words, url, "--timeout", "5", *flags) if words == ("login",) else words
        done = home.kitaru(*line, KITARU_API_KEY=empty_server.api_key, **env)
        said = done.stdout + done.stderr
        assert done.returncode == (0 if world.works else 6), (words, said)
        assert world.says in said, (words, said)
        for secret in (empty_server.api_key, token, "hunt", "er2"):
            assert secret not in said, words
    done = home.kitaru("logout", **env)
    assert (done.returncode, f"Disconnected from {url}" in done.stdout) == (0, True), done.stderr
