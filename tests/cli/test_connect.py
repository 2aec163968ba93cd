"""`kitaru init`, `login`, `logout` and `status`, against a real ZenML server."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.servers import answering
from tests.homes import Home
from tests.servers.zenml import ZenMLServer


def _files(home: Home) -> dict[str, bytes]:
    """ZenML's settings and logins."""
    paths = (home.config / name for name in ("config.yaml", "credentials.yaml"))
    return {path.name: path.read_bytes() for path in paths if path.exists()}


@pytest.fixture
def logged_in(home: Home, kitaru, empty_server: ZenMLServer, monkeypatch) -> ZenMLServer:
    monkeypatch.setenv("THE_KEY", empty_server.api_key)
    done = kitaru("login", empty_server.url, "--api-key", "env:THE_KEY")
    assert done.code == 0, done.err
    monkeypatch.delenv("THE_KEY")
    return empty_server


# -- init ------------------------------------------------------------------------------------------


def test_init_makes_a_repository_and_the_default_stack(bare_home: Home):
    project = bare_home.path / "project"
    project.mkdir()
    done = bare_home.kitaru("init", cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"Initialized Kitaru project in {project}",
        f"Created {project / '.zen'}",
        "Active stack here: default",
    ]
    assert bare_home.kitaru("stack", "current", cwd=project).stdout.startswith(
        "Active stack: default\n"
    )


def test_init_a_second_time_says_so_and_changes_nothing(home: Home, kitaru):
    kitaru("init")
    kitaru("stack", "create", "dev")
    again = kitaru("init", "-o", "json")
    assert again.code == 0
    assert again.document["item"]["created"] is False
    assert again.document["item"]["active_stack"] == "dev"


def test_init_of_another_directory(home: Home, kitaru, tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir()
    assert kitaru("init", str(there)).code == 0
    assert (there / ".zen").is_dir()
    missing = kitaru("init", str(tmp_path / "missing"))
    assert missing.code == 4
    assert "mkdir" in missing.err


def test_a_choice_inside_a_project_is_the_projects_own(home: Home, kitaru):
    project = home.path / "project"
    project.mkdir()
    home.kitaru("init", cwd=project)
    home.kitaru("stack", "create", "dev", cwd=project)
    inside = json.loads(home.kitaru("stack", "current", "-o", "json", cwd=project).stdout)["item"]
    assert (inside["name"], inside["scope"], inside["source"]) == (
        "dev",
        "repository",
        str(project),
    )
    outside = json.loads(home.kitaru("stack", "current", "-o", "json").stdout)["item"]
    assert (outside["name"], outside["scope"]) == ("default", "global")
    said = home.kitaru("stack", "use", "default", cwd=project)
    assert "directory" in said.stderr


# -- login -----------------------------------------------------------------------------------------


def test_login_connects_everything_that_follows(logged_in: ZenMLServer, home: Home, kitaru):
    assert kitaru("stack", "create", "remote-dev").out.startswith("Created stack: remote-dev\n")
    assert "remote-dev" in [stack["name"] for stack in logged_in.items("/stacks")]
    with closing(sqlite3.connect(home.database)) as local:
        names = [name for (name,) in local.execute("SELECT name FROM stack")]
    assert names == ["default"]


def test_login_says_where_and_who(home: Home, kitaru, empty_server: ZenMLServer):
    pasted = f"{empty_server.url}/api/v1/?token=hunter2"
    key = f"{empty_server.api_key}\n"
    done = kitaru("login", pasted, "--api-key", "-", "-o", "json", input=key)
    assert done.err == ""
    item = done.document["item"]
    said = f"URL holds more than the server's address: {empty_server.url} is used."
    assert item["warnings"] == [{"code": "address_shortened", "message": said}]
    assert item["url"] == empty_server.url
    assert item["server_version"] == "0.98.0"
    assert item["user"] == "tests"
    assert item["active_stack"] == "default"


def test_a_key_from_a_file(home: Home, kitaru, empty_server: ZenMLServer, tmp_path: Path):
    (tmp_path / "key").write_text(empty_server.api_key + "\n")
    done = kitaru("login", empty_server.url + "/", "--api-key", f"file:{tmp_path / 'key'}")
    assert done.code == 0
    assert done.out.splitlines()[0] == f"Connected to {empty_server.url}"


@pytest.mark.parametrize("name", ["KITARU_API_KEY", "ZENML_STORE_API_KEY"])
def test_a_key_from_the_usual_variables(
    home: Home, kitaru, empty_server: ZenMLServer, monkeypatch, name
):
    monkeypatch.setenv(name, empty_server.api_key)
    assert kitaru("login", empty_server.url).code == 0
    monkeypatch.delenv(name)
    assert kitaru("stack", "list", "-o", "json").document["count"] == 1
    assert empty_server.api_key not in (home.config / "config.yaml").read_text()


def test_the_key_is_in_no_output_and_readable_by_nobody_else(
    logged_in: ZenMLServer, home: Home, kitaru
):
    for command in (("status",), ("status", "-o", "json"), ("stack", "show", "--debug")):
        shown = kitaru(*command)
        assert logged_in.api_key not in shown.out + shown.err
    assert (home.config / "credentials.yaml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("connected", [False, True])
def test_a_wrong_key_leaves_everything_as_it_was(
    home: Home, kitaru, empty_server: ZenMLServer, monkeypatch, connected
):
    if connected:
        monkeypatch.setenv("KITARU_API_KEY", empty_server.api_key)
        kitaru("login", empty_server.url)
    before = _files(home)
    monkeypatch.setenv("KITARU_API_KEY", "ZENKEY_wrong")
    failed = kitaru("login", empty_server.url)
    assert failed.code == 6
    assert "does not accept the API key" in failed.err
    assert "ZENKEY_wrong" not in failed.err
    assert _files(home) == before
    monkeypatch.delenv("KITARU_API_KEY")
    assert kitaru("stack", "list").code == 0


def test_an_unknown_project_leaves_everything_as_it_was(
    home: Home, kitaru, empty_server: ZenMLServer, monkeypatch
):
    before = _files(home)
    monkeypatch.setenv("KITARU_API_KEY", empty_server.api_key)
    failed = kitaru("login", empty_server.url, "--project", "nowhere")
    assert failed.code == 4
    assert "default" in failed.err
    assert _files(home) == before
    monkeypatch.setenv("KITARU_PROJECT", "nowhere")
    failed = kitaru("login", empty_server.url)
    assert failed.code == 4
    assert "'nowhere'" in failed.err
    assert _files(home) == before


def test_a_project_is_chosen(home: Home, kitaru, empty_server: ZenMLServer, monkeypatch):
    monkeypatch.setenv("KITARU_API_KEY", empty_server.api_key)
    monkeypatch.setenv("KITARU_PROJECT", "nowhere")  # the option takes precedence
    done = kitaru("login", empty_server.url, "--project", "default", "-o", "json")
    assert done.document["item"]["project"] == "default"
    monkeypatch.setenv("KITARU_PROJECT", "default")
    done = kitaru("login", empty_server.url, "-o", "json")
    assert done.document["item"]["project"] == "default"


@pytest.mark.parametrize("connected", [False, True])
def test_a_server_that_fails_in_the_middle_leaves_everything_as_it_was(
    home: Home, kitaru, empty_server: ZenMLServer, monkeypatch, connected
):
    monkeypatch.setenv("KITARU_API_KEY", empty_server.api_key)
    if connected:
        kitaru("login", empty_server.url)
    before = _files(home)

    def broken(*_: object) -> None:
        (home.config / "config.yaml").write_text("half")
        raise RuntimeError("the connection broke")

    monkeypatch.setattr("kitaru_iac.connection.login.connect", broken)
    failed = kitaru("login", empty_server.url)
    assert failed.code == 1
    assert _files(home) == before


_UNREACHABLE = {
    "nothing listens": (6, "Nothing listens there"),
    "no such host": (6, "no host named"),
    "silent": (6, "No answer within 1 seconds"),
    "not http": (6, "does not speak HTTP"),
    "another site": (6, "is not a ZenML server"),
    "other json": (6, "is not a ZenML server"),
    "not tls": (6, "does not speak TLS"),
    "moves": (6, "redirects to another address"),
    "another version": (6, "runs ZenML 0.42.0"),
    "broken": (6, "HTTP status 500"),
}


@pytest.mark.parametrize("case", _UNREACHABLE)
def test_what_does_not_answer_as_a_zenml_server_is_told_clearly(home: Home, kitaru, case):
    before = _files(home)
    with answering(case) as url:
        failed = kitaru("login", url, "--timeout", "1", "--api-key", "-", input="ZENKEY_x")
    code, words = _UNREACHABLE[case]
    assert (failed.code, failed.out) == (code, "")
    assert words in failed.err
    assert _files(home) == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("kitaru.example.com", "Did you mean https://kitaru.example.com?"),
        ("ftp://kitaru.example.com", "Did you mean https://kitaru.example.com?"),
        ("https://", "names no host"),
        ("https://host:port", "port"),
        ("https://user:hunter2@host", "a user or a password"),
    ],
)
def test_a_wrong_url_is_told_without_its_secrets(home: Home, kitaru, url, words):
    failed = kitaru("login", url)
    assert failed.code == 64
    assert words in failed.err
    assert "hunter2" not in failed.err


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("ZENKEY_abc", 64, "env:NAME"),
        ("env:NOT_SET", 4, "NOT_SET"),
        ("env:", 64, "env:NAME"),
        ("file:/nowhere", 4, "cannot be read"),
        ("-", 4, "stdin"),
    ],
)
def test_a_key_that_is_not_there(home: Home, kitaru, source, code, words):
    failed = kitaru("login", "http://127.0.0.1:9", "--api-key", source)
    assert failed.code == code
    assert words in failed.err
    assert "ZENKEY_abc" not in failed.err


def test_without_a_key_and_a_terminal_nothing_hangs(home: Home, empty_server: ZenMLServer):
    failed = home.kitaru("login", empty_server.url)
    assert failed.returncode == 6
    assert "--api-key" in failed.stderr


def test_a_store_in_the_environment_goes_before_every_login(
    home: Home, kitaru, empty_server: ZenMLServer, monkeypatch
):
    monkeypatch.setenv("ZENML_STORE_URL", empty_server.url)
    for command in (("login", empty_server.url), ("logout",)):
        failed = kitaru(*command)
        assert failed.code == 6
        assert "unset ZENML_STORE_URL" in failed.err


def test_a_certificate_of_an_unknown_authority(home: Home, kitaru, tmp_path: Path):
    with answering("tls", certificates=tmp_path) as url:
        failed = kitaru("login", url, "--timeout", "5")
        assert failed.code == 6
        assert "--ca-cert" in failed.err
        for trusting in (("--ca-cert", str(tmp_path / "ca.pem")), ("--no-verify-ssl",)):
            # It answers like a site that is no ZenML server: the certificate is no obstacle.
            trusted = kitaru("login", url, "--timeout", "5", *trusting)
            assert "is not a ZenML server" in trusted.err
    missing = kitaru("login", url, "--ca-cert", "/nowhere.pem")
    assert (missing.code, "--ca-cert" in missing.err) == (4, True)


# -- a login through a browser ---------------------------------------------------------------------


def test_a_person_confirms_in_a_browser(home: Home, empty_server: ZenMLServer):
    from tests.cli.terminals import on_terminal

    def confirm(text: str) -> None:
        address = text.rpartition("in your browser:")[2].split()[0]
        device, _, code = address.partition("device_id=")[2].partition("&user_code=")
        answer = empty_server.request(
            "PUT", f"/devices/{device}/verify", json={"user_code": code, "trusted_device": False}
        )
        assert answer.ok, answer.text

    seen = on_terminal(home, "login", empty_server.url, then=("user_code=", confirm))
    assert seen.code == 0, seen.text
    assert f"Connected to {empty_server.url}" in seen.text
    assert home.kitaru("stack", "list").returncode == 0


# -- logout ----------------------------------------------------------------------------------------


def test_logout_goes_back_to_the_local_store(logged_in: ZenMLServer, home: Home, kitaru):
    kitaru("stack", "create", "remote-dev")
    done = kitaru("logout")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"Disconnected from {logged_in.url}",
        "Active stack: default",
    ]
    assert "remote-dev" not in kitaru("stack", "list").out
    assert logged_in.api_key not in "".join(map(str, _files(home).values()))


def test_logout_says_that_it_cannot_forget_what_cannot_be_read(
    home: Home, kitaru, logged_in: ZenMLServer
):
    file, config = home.config / "credentials.yaml", home.config / "config.yaml"
    file.write_text("https://127.0.0.1:1: {api_token: {access_token: S3KRET\n")
    before = config.read_bytes()
    done = kitaru("logout", "--debug")
    assert done.code == 6
    assert f"rm {file}" in done.err
    assert "S3KRET" not in done.out + done.err
    assert config.read_bytes() == before
    file.unlink()
    assert kitaru("logout").code == 0


def test_logout_without_a_connection_says_so(home: Home, kitaru):
    done = kitaru("logout", "-o", "json")
    assert done.code == 0
    assert done.document["item"] == {"was_connected": False, "stopped_local_server": False}


def test_logout_works_when_the_server_is_gone(home: Home, kitaru, logged_in: ZenMLServer):
    config = home.config / "config.yaml"
    config.write_text(config.read_text().replace(logged_in.url, "http://127.0.0.1:9"))
    assert kitaru("logout").code == 0
    assert kitaru("stack", "list").code == 0


# -- a local server --------------------------------------------------------------------------------


def test_login_alone_names_the_packages_that_are_missing(home: Home, kitaru, monkeypatch):
    monkeypatch.setattr(
        "kitaru_iac.machine.packages.unmet", lambda **_: ["fastapi (not installed)"]
    )
    failed = kitaru("login")
    assert failed.code == 1
    assert "fastapi (not installed)" in failed.err
    assert "pip install 'kitaru-iac[server]'" in failed.err


@pytest.mark.slow
def test_login_alone_starts_a_local_server_and_logout_stops_it(home: Home):
    home.kitaru("stack", "create", "mine", "--no-activate")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = home.kitaru("login", "--port", str(port), "-o", "json")
    try:
        assert started.returncode == 0, started.stderr
        item = json.loads(started.stdout)["item"]
        assert item["url"] == f"http://127.0.0.1:{port}"
        assert item["started_local_server"] is True
        assert "mine" in home.kitaru("stack", "list").stdout
        assert f"http://127.0.0.1:{port}" in home.kitaru("status").stdout
    finally:
        stopped = home.kitaru("logout", "-o", "json")
    assert json.loads(stopped.stdout)["item"]["stopped_local_server"] is True
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert "mine" in home.kitaru("stack", "list").stdout


# -- status ----------------------------------------------------------------------------------------


def test_status_of_a_fresh_home_makes_nothing(bare_home: Home):
    done = bare_home.kitaru("status", "-o", "json")
    assert done.returncode == 0
    item = json.loads(done.stdout)["item"]
    assert (item["kind"], item["active_stack"]) == ("local", "default")
    assert not bare_home.database.exists()


def test_status_of_a_local_store(home: Home, kitaru):
    kitaru("stack", "create", "dev")
    item = kitaru("status", "-o", "json").document["item"]
    assert item["kind"] == "local"
    assert item["connected"] is True
    assert item["client_version"] == "0.98.0"
    assert (item["active_stack"], item["scope"]) == ("dev", "global")
    assert item["config_directory"] == str(home.config)
    assert item["user"] == "default"


@pytest.mark.parametrize("name", ["KITARU_PROJECT", "ZENML_ACTIVE_PROJECT_ID"])
def test_status_of_a_local_store_says_which_project_the_environment_chose(
    home: Home, kitaru, monkeypatch, name
):
    monkeypatch.setenv(name, "00000000-0000-4000-8000-000000000009")
    item = kitaru("status", "-o", "json").document["item"]
    assert (item["connected"], item["project"]) == (True, None)
    assert [warning["code"] for warning in item["warnings"]] == ["no_active_project"]
    monkeypatch.delenv("ZENML_ACTIVE_PROJECT_ID", raising=False)
    monkeypatch.setenv("KITARU_PROJECT", "default")
    assert kitaru("status", "-o", "json").document["item"]["project"] == "default"


def test_status_of_a_server(home: Home, kitaru, logged_in: ZenMLServer):
    item = kitaru("status", "-o", "json").document["item"]
    assert (item["kind"], item["url"], item["connected"]) == ("server", logged_in.url, True)
    assert (item["server_version"], item["user"]) == ("0.98.0", "tests")
    assert (item["active_stack"], item["scope"]) == ("default", "global")


def test_status_says_that_the_environment_chose(home: Home, kitaru, monkeypatch):
    kitaru("stack", "create", "dev")
    uuid = kitaru("stack", "create", "other", "-o", "json").document["item"]["id"]
    kitaru("stack", "use", "dev")
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", uuid)
    item = kitaru("status", "-o", "json").document["item"]
    assert (item["active_stack"], item["scope"]) == ("other", "environment")
    assert "ZENML_ACTIVE_STACK_ID" in kitaru("stack", "current").out


@pytest.mark.parametrize("case", ["nothing listens", "silent", "another site"])
def test_status_of_a_server_that_does_not_answer(home: Home, kitaru, case):
    with answering(case) as url:
        store = {"type": "rest", "url": url}
        (home.config / "config.yaml").write_text(json.dumps({"store": store}))
        done = kitaru("status", "--timeout", "1", "-o", "json")
    assert done.code == 6
    item = done.document["item"]
    assert item["connected"] is False
    assert item["error"]
    assert item["url"] == url


def test_status_with_a_login_that_is_not_good_any_more(home: Home, kitaru, logged_in: ZenMLServer):
    (home.config / "credentials.yaml").write_text(
        f"{logged_in.url}:\n  url: {logged_in.url}\n  api_key: ZENKEY_old\n"
    )
    done = kitaru("status", "-o", "json")
    assert done.code == 6
    item = done.document["item"]
    assert item["connected"] is False
    assert item["server_version"] == "0.98.0"
    assert "ZENKEY_old" not in done.out


def test_status_never_shows_a_password(home: Home, kitaru, monkeypatch):
    monkeypatch.setenv("ZENML_STORE_URL", "http://admin:hunter2@127.0.0.1:9")
    done = kitaru("status", "--timeout", "1")
    assert "hunter2" not in done.out + done.err


def test_an_unreadable_configuration_is_told(home: Home, kitaru):
    shutil.copy(home.config / "config.yaml", home.config / "kept.yaml")
    (home.config / "config.yaml").write_text("store: [")
    failed = kitaru("status")
    assert failed.code == 6
    assert f"rm {home.config / 'config.yaml'}" in failed.err
