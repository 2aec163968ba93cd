from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping, load, to_mapping
from kitaru_iac.spec.extras import merge_extras, parse_extra
from tests.spec.bad_inputs import SECRET, VERTEX


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("3", 3),
        ("-3", -3),
        ("1.5", 1.5),
        ("0x10", 16),
        ("012", "012"),
        ("123456789012", 123456789012),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("'3'", "3"),
        ("[a, 2, {b: true}]", ["a", 2, {"b": True}]),
        ("{a: b, c: [1]}", {"a": "b", "c": [1]}),
        ("gs://my-bucket/root", "gs://my-bucket/root"),
        ("a: b", "a: b"),
        ("#7", "#7"),
        ("a #b", "a #b"),
        ("*x", "*x"),
        ("!x", "!x"),
        ("a=b", "a=b"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
    ],
)
def test_values_are_read_as_yaml(written, value):
    assert parse_extra(f"orchestrator.x={written}") == (("orchestrator", "x"), value)


def test_paths_merge_deeply_and_later_ones_win():
    merged, paths, problems = merge_extras(
        [
            "orchestrator.settings.a=1",
            "orchestrator.settings={b: {c: 2}}",
            "orchestrator.settings.b.d=3",
            "orchestrator.settings.a=4",
            "artifact_store.x=[1]",
            "artifact_store.x=[2]",
        ],
        {"orchestrator": {"keep": True, "settings": {"z": 0}}},
    )
    assert not problems
    assert merged == {
        "orchestrator": {"keep": True, "settings": {"z": 0, "a": 4, "b": {"c": 2, "d": 3}}},
        "artifact_store": {"x": [2]},
    }
    assert paths[0] == "orchestrator.settings.a"


def test_null_takes_a_mapping_away():
    merged, _, problems = merge_extras(
        ["orchestrator.settings=null"], {"orchestrator": {"settings": {"a": 1}}}
    )
    assert not problems
    assert merged == {"orchestrator": {"settings": None}}


def test_the_base_is_left_alone():
    base = {"orchestrator": {"settings": {"a": [1]}}}
    merge_extras(["orchestrator.settings.a=2"], base)
    assert base == {"orchestrator": {"settings": {"a": [1]}}}


_keys = st.sampled_from(["a", "b", "c"])
_trees = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text("xyz", min_size=1, max_size=3)),
    lambda inner: st.dictionaries(_keys, inner, min_size=1, max_size=3),
    max_leaves=6,
)


def _flat(tree, path=()):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, (*path, key))
    else:
        yield ".".join(path), tree


@given(st.dictionaries(_keys, _trees, min_size=1, max_size=3))
def test_a_tree_is_built_of_its_paths(tree):
    texts = [
        f"orchestrator.{path}={str(leaf).lower() if isinstance(leaf, bool) else leaf}"
        for path, leaf in _flat(tree)
    ]
    merged, _, problems = merge_extras(texts, None)
    assert not problems
    assert merged == {"orchestrator": tree}


def test_no_problem_repeats_a_value():
    texts = [
        f"orchestrator.password:{SECRET}",
        f"orchestrator.x={{a: {SECRET}",
        f"nobody.password={SECRET}",
        f"orchestrator.x={SECRET}",
        f"orchestrator.x.y={SECRET}",
        f"orchestrator..x={SECRET}",
        f"artifact_store.path={SECRET}",
    ]
    with pytest.raises(DescriptionError) as caught:
        load({"name": "prod", **VERTEX}, extra=texts)
    assert len(caught.value.problems) == 6
    assert SECRET not in str(caught.value)
    assert {problem.source for problem in caught.value.problems} == {"--extra"}


def test_the_page_s_async_lines():
    flags = {"name": "prod-vertex", **VERTEX, "async": True}
    root = "orchestrator.pipeline_root=gs://my-bucket/vertex-root"
    assert load(flags, extra=[root]).extra.orchestrator == {
        "pipeline_root": "gs://my-bucket/vertex-root",
        "synchronous": False,
    }
    assert load(flags, extra=["orchestrator.synchronous=true"]).extra.orchestrator == {
        "synchronous": True
    }


@pytest.mark.parametrize(
    ("flags", "own", "shared", "expected"),
    [
        ({"async": True}, {"extra": "synchronous: true"}, "", False),
        ({"async": True}, {"extra": "synchronous: false"}, "", False),
        ({"async": False}, {"extra": "synchronous: false"}, "", None),
        ({"async": True, "extra": {"orchestrator": {"synchronous": True}}}, {}, "", True),
        ({}, {"async": "true"}, "extra: {orchestrator: {synchronous: true}}", False),
        ({}, {"async": "false"}, "extra: {orchestrator: {synchronous: false}}", None),
        ({"async": True}, {}, "extra: {orchestrator: {synchronous: true}}", False),
        ({}, {"extra": "synchronous: true"}, "async: true", True),
        ({}, {}, "async: true\n  extra: {orchestrator: {synchronous: true}}", True),
        ({}, {"async": "true", "extra": "synchronous: true"}, "", True),
    ],
)
def test_async_is_laid_over_lower_layers_like_the_field_that_it_stands_for(
    tmp_path: Path,
    flags: dict[str, Any],
    own: dict[str, str],
    shared: str,
    expected: bool | None,
) -> None:
    (tmp_path / ".git").mkdir()
    if shared:
        (tmp_path / "kitaru.yaml").write_text(f"defaults:\n  {shared}\n")
    lines = [f"{key}: {value}" for key, value in {"name": "prod", **VERTEX}.items()]
    if "async" in own:
        lines.append(f"async: {own['async']}")
    if "extra" in own:
        lines.append(f"extra: {{orchestrator: {{{own['extra']}}}}}")
    file = tmp_path / "stack.yaml"
    file.write_text("\n".join(lines))
    assert load(flags, file).extra.orchestrator.get("synchronous") is expected
    beside = load(flags, file, ["orchestrator.synchronous=true"])
    assert beside.extra.orchestrator["synchronous"] is True


def test_a_named_field_may_be_repeated_with_the_same_value():
    spec = load({"name": "prod", **VERTEX}, extra=["orchestrator.location=us-central1"])
    assert spec.extra.orchestrator == {"location": "us-central1"}
    assert from_mapping(to_mapping(spec)) == spec
