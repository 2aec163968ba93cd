"""What the shell offers on Tab."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest
import yaml

from kitaru_iac.cli.completion import stack_names
from tests.homes import Home, ready_home


def offered(home: Home, words: str, variable: str = "_KITARU_COMPLETE") -> list[str]:
    """The completions that bash gets for the last word."""
    line = f"kitaru {words}"
    done = home.kitaru(
        **{
            variable: "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
            "COMP_LINE": line,
        }
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def filled(template_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a stack `dev` and a file `stack.yaml`, which completion only reads."""
    home = ready_home(template_home, tmp_path_factory.mktemp("completion") / "home")
    assert home.kitaru("stack", "create", "dev").returncode == 0
    (home.path / "stack.yaml").write_text("name: x\n")
    return home


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("st", ["stack", "status"]),
        ("stack cu", ["current"]),
        ("stack use d", ["default", "dev"]),
        ("stack show de", ["default", "dev"]),
        ("stack delete dev", ["dev"]),
        ("stack create x --type sa", ["sagemaker"]),
        ("stack create x --infra p", ["provision"]),
        ("stack create x --art", ["--artifact-store"]),
        ("stack list --output j", ["json"]),
        ("stack create -f st", ["stack.yaml"]),
    ],
)
def test_bash(filled: Home, words, wanted):
    assert offered(filled, words) == wanted


def test_a_store_that_cannot_be_read_offers_nothing(home: Home):
    store = {"type": "rest", "url": "http://127.0.0.1:9"}
    for text in (json.dumps({"store": store}), "", "store:\n  type: re"):
        (home.config / "config.yaml").write_text(text)
        assert offered(home, "stack use d") == []


def test_a_silent_server_is_not_waited_for(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = yaml.safe_load((home.config / "config.yaml").read_text())
        config["store"] = {"type": "rest", "url": url, "http_timeout": 600}
        (home.config / "config.yaml").write_text(yaml.safe_dump(config))
        kept = {url: {"url": url, "api_token": {"access_token": "t"}}}
        (home.config / "credentials.yaml").write_text(yaml.safe_dump(kept))
        assert stack_names("d") == []
        asked, _ = silent.accept()
        with asked:
            assert asked.recv(5) == b"GET /"
            asked.setblocking(False)
            with suppress(BlockingIOError):  # the answer would still be taken: nobody hung up
                while asked.recv(4096):
                    pass
                pytest.fail("it was waited for to the end")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_the_shell(home: Home, shell):
    done = home.kitaru(_KITARU_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert "_KITARU_COMPLETE" in done.stdout
