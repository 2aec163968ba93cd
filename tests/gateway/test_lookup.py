from __future__ import annotations

import pytest

from kitaru_iac.errors import UsageError
from kitaru_iac.gateway.lookup import Stub, choose, contains, id_prefix
from kitaru_iac.machine.active_scope import canonical_id

ONE = Stub("aaaabbbb-0000-4000-8000-000000000001", "one", True)
TWO = Stub("aaaabbbb-0000-4000-8000-000000000002", "two", False)
HEX = Stub("cccc0000-0000-4000-8000-000000000003", "aaaabbbb", False)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("one", ONE),
        (ONE.id, ONE),
        (ONE.id.upper(), ONE),
        (ONE.id.replace("-", ""), ONE),
        ("aaaabbbb-0000-4000-8000-0000000000-01", None),
        (f"{{{ONE.id}}}", None),
        ("aaaabbbb", HEX),  # a name goes before the beginning of an id
        ("cccc", HEX),
        ("ccc", None),
        ("CCCC0000-00", HEX),
        ("cccc0000-", HEX),
        ("cccc000000", HEX),
        ("cc-cc", None),
        ("cccc-0000", None),
        ("cccc0000--", None),
        ("cccc0000-0000-", HEX),
        ("cccc-", None),
        ("One", None),
        ("aaaabbbb-0000-4000-8000-000000000009", None),
    ],
)
def test_what_a_reference_means(ref: str, found: Stub | None) -> None:
    assert choose(ref, [ONE, TWO, HEX]) == found


def test_a_prefix_of_several_names_them() -> None:
    with pytest.raises(UsageError) as caught:
        choose("aaaab", [ONE, TWO])
    assert "one (aaaabbbb-" in str(caught.value)
    assert "two (aaaabbbb-" in str(caught.value)


def test_a_long_list_ends_with_dots() -> None:
    many = [Stub(f"aaaabbbb-0000-4000-8000-{n:012}", f"s{n}", False) for n in range(11)]
    with pytest.raises(UsageError) as caught:
        choose("aaaa", many)
    assert str(caught.value.why).endswith("…")
    assert "s10" not in str(caught.value)


@pytest.mark.parametrize("ref", ["abc", "", "-", "----abcd", "wxyz", "a" * 33, "日本語の名"])
def test_what_begins_no_id(ref: str) -> None:
    assert id_prefix(ref) is None


def test_an_id_in_any_form() -> None:
    assert canonical_id(ONE.id.upper()) == ONE.id
    assert canonical_id("dev") is None


def test_contains_knows_ascii_letters_only() -> None:
    assert contains("Prod-K8s", "prod")
    assert not contains("ÜBER", "über")
