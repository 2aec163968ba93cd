from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping, load, to_mapping
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.yaml_file import YamlError, read_document, read_text
from tests.spec.bad_inputs import SECRET

PAGE = """\
name: prod-vertex
type: vertex
artifact_store: gs://my-bucket/kitaru
container_registry: us-central1-docker.pkg.dev/my-project/my-repo
region: us-central1
async: true
extra:
  orchestrator:
    pipeline_root: gs://my-bucket/vertex-root
  container_registry:
    default_repository: agents
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "stack.yaml"
    path.write_text(PAGE)
    return path


def test_the_page_s_file(page: Path):
    spec = load({}, page)
    assert spec.name == "prod-vertex"
    assert spec.async_
    assert spec.extra.orchestrator == {
        "pipeline_root": "gs://my-bucket/vertex-root",
        "synchronous": False,
    }
    assert spec.extra.container_registry == {"default_repository": "agents"}


def test_flags_win_and_extras_are_laid_over(page: Path):
    spec = load(
        {"name": "other", "region": "us-east1", "type": None},
        page,
        ["orchestrator.labels.team=ml", "container_registry.default_repository=b"],
    )
    assert (spec.name, spec.region) == ("other", "us-east1")
    assert spec.extra.orchestrator["pipeline_root"] == "gs://my-bucket/vertex-root"
    assert spec.extra.orchestrator["labels"] == {"team": "ml"}
    assert spec.extra.container_registry == {"default_repository": "b"}


def test_the_type_may_be_changed_by_a_flag(page: Path):
    with pytest.raises(DescriptionError) as caught:
        load({"type": "kubernetes"}, page)
    assert [problem.field for problem in caught.value.problems] == ["cluster"]
    assert load({"type": "kubernetes", "cluster": "c"}, page).type == "kubernetes"


def test_standard_input():
    assert load({}, "-", stdin=io.StringIO(PAGE)).name == "prod-vertex"
    stream = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfname: dev\r\n"))
    assert load({}, "-", stdin=stream).name == "dev"
    with pytest.raises(DescriptionError) as caught:
        load({}, "-", stdin=io.StringIO("name: dev\ncluster: c\n"))
    assert caught.value.problems[0].source == "stdin:2"


def test_standard_input_is_read_once():
    with pytest.raises(DescriptionError) as caught:
        load({"credentials": "-"}, "-", stdin=io.StringIO(PAGE))
    assert "which held the description" in str(caught.value)


def test_standard_input_is_not_a_terminal():
    stdin = io.StringIO()
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    with pytest.raises(DescriptionError, match="that is a terminal"):
        load({}, "-", stdin=stdin)


def test_credentials_from_standard_input(page: Path):
    text = f"azure-service-principal:x:y:{SECRET}"
    with pytest.raises(DescriptionError) as caught:
        load({"credentials": "-"}, page, stdin=io.StringIO(text))
    assert caught.value.problems[0].source == "--credentials"
    assert SECRET not in str(caught.value)


def test_anchors_and_merges():
    document = read_text(
        "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\n"
        "one:\n  <<: *base\n  a: 5\nboth:\n  <<: [*base, *other]\nsame: *base\n",
        "f",
    )
    assert document.data["one"] == {"a": 5, "b": 2}
    assert document.data["both"] == {"a": 1, "b": 2, "c": 4}
    assert document.data["same"] == {"a": 1, "b": 2}
    assert document.lines["one.a"] == 5


def test_plain_words_are_those_of_yaml_1_2():
    text = "a: yes\nb: on\nc: 012\nd: 2024-01-01\ne: 1e3\nf: 0o17\ng: ~\nh: .inf\ni: !!str 1\n"
    assert read_text(text, "f").data == {
        "a": "yes",
        "b": "on",
        "c": "012",
        "d": "2024-01-01",
        "e": 1000.0,
        "f": 15,
        "g": None,
        "h": float("inf"),
        "i": "1",
    }


def test_json_is_yaml():
    assert read_text('{"name": "dev", "verify": false}', "f").data == {
        "name": "dev",
        "verify": False,
    }


def test_an_empty_key_is_not_given():
    assert load({}, "-", stdin=io.StringIO("name: dev\nregion:\nextra:\n")).region is None


@pytest.mark.parametrize("text", ["a: !!int x", "<<: 3\n", "? {a: b}\n: c", "!x {a: b}"])
def test_what_is_not_plain_data(text):
    with pytest.raises(YamlError):
        read_text(text, "f")


def test_a_hundred_references_are_no_bomb():
    text = "base: &b {a: 1}\n" + "".join(f"k{n}: *b\n" for n in range(100))
    assert len(read_text(text, "f").data) == 101


def test_a_fifo_is_read(tmp_path: Path):
    import os
    import threading

    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("name: dev\n",))
    writer.start()
    assert read_document(path).data == {"name": "dev"}
    writer.join()


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(YamlError):
        read_text(text, "f")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_description_or_a_list_of_problems(raw):
    stream = io.TextIOWrapper(io.BytesIO(raw))
    with contextlib.suppress(DescriptionError):
        load({"name": "dev"}, "-", stdin=stream)


_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data())
def test_any_mapping_is_a_description_or_a_list_of_problems(data):
    mapping = data.draw(st.dictionaries(st.sampled_from([*FIELDS, "typo"]), _values, max_size=6))
    if data.draw(st.booleans()):
        mapping["type"] = data.draw(st.sampled_from(FIELDS["type"].choices))
    try:
        spec = from_mapping(mapping)
    except DescriptionError:
        return
    assert from_mapping(to_mapping(spec, include_secrets=True)) == spec
