"""Data on stdout as one document, the rest on stderr; colour only where it belongs."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kitaru_iac.cli import output
from kitaru_iac.cli.formats import written
from kitaru_iac.redaction import UNSEEN, SecretText
from kitaru_iac.spec.yaml_nodes import Builder, compose
from tests.cli.terminals import on_terminal
from tests.homes import Home
from tests.warm.client import commands

UTF_8 = io.TextIOWrapper(io.BytesIO(), "utf-8")
EACH_COMMAND = [
    ("stack", "list"),
    ("stack", "current"),
    ("stack", "show"),
    ("stack", "use", "default"),
    ("stack", "create", "first"),
    ("stack", "preview", "first"),
    ("stack", "apply", "first", "--yes"),
    ("status",),
    ("init",),
]


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=12)
    | st.from_regex(r"[-+]?[0-9.]{1,4}([eE][-+]?[0-9]{1,3})?", fullmatch=True)
    | st.sampled_from(["1e5", "1234e56", "0o17", "1.5e3", "0x1F", "~", "Null", "<<", "yes", ""])
)
@example("1e5")
@example("0o17")
def test_a_text_in_yaml_is_a_text_to_who_reads_descriptions(text: str) -> None:
    assume(text.isprintable())  # what is not seen is written as its escape
    node = compose(written({"key": text, "more": [text]}, "yaml", UTF_8))
    assert node is not None
    assert Builder("x").value(node, "", ()) == {"key": text, "more": [text]}


@pytest.mark.parametrize("command", EACH_COMMAND, ids=" ".join)
def test_the_first_command_of_a_fresh_home_gives_one_document(bare_home: Home, command):
    done = bare_home.kitaru(*command, "--output", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["command"] == ".".join(command[: 2 if command[0] == "stack" else 1])
    assert done.stderr == ""


def test_yaml_is_the_same_document(home: Home, kitaru):
    as_json = kitaru("stack", "show", "-o", "json")
    as_yaml = kitaru("stack", "show", "--output=yaml")
    assert yaml.safe_load(as_yaml.out) == as_json.document
    assert as_yaml.err == ""


def test_the_format_may_stand_before_the_subcommand(home: Home, kitaru):
    after = kitaru("stack", "list", "--output", "json").document
    assert kitaru("--output", "json", "stack", "list").document == after
    assert kitaru("stack", "-o", "json", "list").document == after
    assert kitaru("-ojson", "stack", "list").document == after


@pytest.mark.parametrize("format", ["json", "yaml"])
def test_an_error_has_the_form_that_was_asked_for(home: Home, kitaru, format):
    failed = kitaru("stack", "show", "nothing", "-o", format)
    assert failed.out == ""
    document = yaml.safe_load(failed.err) if format == "yaml" else json.loads(failed.err)
    assert document["command"] == "stack.show"
    assert document["error"]["type"] == "StackNotFound"
    assert "nothing" in document["error"]["message"]
    assert failed.code == 4


@pytest.mark.parametrize(
    "line",
    [
        ("stack", "show", "--nope", "-o", "json"),
        ("stack", "show", "-o", "json", "--nope"),
        ("-o", "json", "stack", "show", "--nope"),
        ("stack", "shwo", "-o", "json"),
        ("stack", "use", "-o", "json"),
        ("stack", "use", "a", "b", "-o", "json"),
        ("stack", "create", "x", "--type", "kubernets", "-o", "json"),
        ("stack", "create", "x", "--region", "-o", "json"),
        ("nonsense", "-o", "json"),
        ("status", "--timeout", "soon", "-o", "json"),
        ("stack", "-o", "json"),
    ],
    ids=" ".join,
)
def test_usage_errors_are_documents_too(home: Home, kitaru, line):
    failed = kitaru(*line)
    if line == ("stack", "create", "x", "--region", "-o", "json"):  # `-o` is the region's value
        assert failed.code == 64
        return
    assert failed.code == 64
    assert failed.out == ""
    error = json.loads(failed.err)["error"]
    assert error["message"]
    assert error["type"] in ("UsageError", "DescriptionError")


def test_all_problems_of_a_description_are_in_the_document(home: Home, kitaru):
    error = kitaru(
        "stack", "create", "x", "--type", "sagemaker", "--cluster", "c", "-o", "json"
    ).error
    assert len(error["problems"]) >= 4
    assert all(problem["what"] for problem in error["problems"])


def test_an_unknown_format_is_told_in_text(home: Home, kitaru):
    failed = kitaru("stack", "list", "--output", "jsn")
    assert failed.code == 64
    assert "'json'" in failed.err


def test_warnings_are_in_the_document_and_not_on_stderr(bare_home: Home):
    done = bare_home.kitaru("status", "-o", "json")
    (warning,) = json.loads(done.stdout)["item"]["warnings"]
    assert warning["code"] == "store_not_created"
    assert warning["message"].startswith("The local store")
    assert done.stderr == ""
    in_text = bare_home.kitaru("status")
    assert in_text.stderr.startswith("Warning: ")


def test_a_warning_of_pythons_own_kind_is_told_as_ours(home: Home, kitaru, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("aws-access-keys:AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY")
    keys.chmod(0o644)
    store = ("--artifact-store", "s3://my-bucket", "--region", "eu-west-1")
    words = ("stack", "preview", "prod", *store, "--credentials", f"file:{keys}")
    done = kitaru(*words, "-o", "json")
    assert done.err == ""
    (warning,) = done.document["item"]["warnings"]
    assert warning["code"] == "credentials_readable"
    assert f"chmod 600 {keys}" in warning["message"]
    assert kitaru(*words).err.startswith("Warning: Others than you")


def test_there_is_no_colour_without_a_terminal(home: Home):
    assert "\x1b" not in home.kitaru("stack", "list").stdout
    assert "\x1b" not in home.kitaru("--help").stdout


def test_force_color(home: Home):
    assert "\x1b[" in home.kitaru("stack", "list", FORCE_COLOR="1").stdout
    assert "\x1b[" in home.kitaru("--help", FORCE_COLOR="1").stdout
    assert "\x1b" not in home.kitaru("stack", "list", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_terminal_gets_colour_unless_told_otherwise(home: Home):
    assert "\x1b[" in on_terminal(home, "stack", "list").text
    assert "\x1b" not in on_terminal(home, "stack", "list", NO_COLOR="1").text
    assert "\x1b" not in on_terminal(home, "stack", "list", TERM="dumb").text


def test_json_has_no_colour_on_a_terminal_either(home: Home):
    json.loads(on_terminal(home, "stack", "list", "-o", "json").text)


def test_control_characters_of_a_name_do_nothing_to_the_terminal():
    assert output.safe("a\x1b]0;title\x07b\x9bc\rd") == "a\\x1b]0;title\\x07b\\x9bc\\rd"
    turned = "\x1b[31mprod\u202egpj\u2066\ufeff\U000e0041\x1b[0m \u200d"
    assert output.safe(turned) == (
        "\\x1b[31mprod\\u202egpj\\u2066\\ufeff\\U000e0041\\x1b[0m \u200d"
    )
    given = {"name": turned, f"of{turned}": [1, "a\n\xadb\n", "\u2028", "yes", "ä\n"]}
    for encoding in ("utf-8", "ascii"):
        for kind, read in (("json", json.loads), ("yaml", yaml.safe_load)):
            document = written(given, kind, io.TextIOWrapper(io.BytesIO(), encoding))
            assert read(document) == given
            assert not re.search(UNSEEN, document.replace("\n", ""))
            assert document.encode(encoding)


def test_a_colour_is_ours_alone(home: Home) -> None:
    """One in a name could hide the rest of a line."""
    hidden = "a\x1b[8mred"
    assert home.kitaru("stack", "create", "dev").returncode == 0
    with closing(sqlite3.connect(home.database)) as db, db:
        db.execute("UPDATE stack SET name = ? WHERE name = 'dev'", (hidden,))
    for seen in (
        home.kitaru("stack", "list", FORCE_COLOR="1"),
        home.kitaru("stack", "show", hidden, FORCE_COLOR="1"),
    ):
        assert "a\\x1b[8mred" in seen.stdout
        assert set(re.findall(r"\x1b[^m]*m", seen.stdout)) <= {f"\x1b[{n}m" for n in (0, 1, 2, 32)}


def test_secrets_cannot_get_into_a_document(capsys):
    output.start("x", "json").item({"password": SecretText("hunter2")}, [])
    assert json.loads(capsys.readouterr().out)["item"] == {"password": "(secret)"}


def test_a_terminal_that_knows_no_arrow_gets_something_it_knows(home: Home):
    home.kitaru("stack", "create", "dev", "--no-activate")
    used = home.kitaru("stack", "use", "dev", PYTHONIOENCODING="ascii")
    assert used.returncode == 0
    assert used.stdout == "Active stack: default \\u2192 dev\n"


def test_a_reader_that_goes_away_ends_it_without_a_word(home: Home):
    process = subprocess.Popen(
        [sys.executable, "-m", "kitaru_iac.cli.main", "stack", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=home.environment(),
        cwd=home.path,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.parametrize(
    ("line", "format"),
    [
        ("stack list", "text"),
        ("stack list -o json", "json"),
        ("-o yaml stack list", "yaml"),
        ("stack list --output=json", "json"),
        ("stack list -ojson", "json"),
        ("stack list -o json -o yaml", "yaml"),
        ("stack list -- -o json", "text"),
        ("stack list -o", "text"),
        ("stack preview --output markdown", "markdown"),
    ],
)
def test_the_format_is_known_before_anything_is_parsed(line, format):
    assert output.requested_format(line.split()) == format


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_full_disk_is_no_bug_of_ours(home: Home, format: str) -> None:
    cold = (sys.executable, "-m", "kitaru_iac.cli.main", "stack", "list")
    forked = (str(commands() / "kitaru"), "stack", "create", f"made-{format}", "--no-activate")
    for argv in (cold, forked):
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = subprocess.run(
                [*argv, "-o", format],
                env=home.environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1, done.stderr
        assert "cannot be written to standard output" in done.stderr
        assert "bug" not in done.stderr
    assert home.kitaru("stack", "show", f"made-{format}").returncode == 0
