"""Whose a stack is, judged from its labels alone: each half of each condition decides somewhere.

What follows from tokens for a creation and a deletion is shown beside the plugin, which deals them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError, ProtectedStackError
from kitaru_iac.labels import DEPLOYMENT_LABELS, MANAGED_LABEL, OWNER_LABEL, OWNER_RUN_LABEL
from kitaru_iac.records.model import Records
from kitaru_iac.records.owner import (
    Owner,
    forced_warning,
    labels_for,
    owner_of,
    require_changeable,
    require_creatable,
    require_removable,
)

ID = "5b1d1c1e-0000-4000-8000-000000000001"
URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"
OTHER = "urn:pulumi:test::platform::kitaru:index:Stack::dev"
NAMELESS = "somebody"
DEPLOYED = {f"{DEPLOYMENT_LABELS}stack": "dev"}


def stored(owner: Owner | None, **labels: str) -> Records:
    """A stack that this owner made."""
    own = owner.labels if owner else {}
    return Records("dev", "local", (), labels={MANAGED_LABEL: "true", **own, **labels}, id="the-id")


def refusal(judge: Callable[[], object]) -> str:
    """What a judgement says: ``passed`` where it lets pass, else the error's type."""
    try:
        judge()
    except KitaruError as error:
        return type(error).__name__
    return "passed"


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        (Owner(URN), Owner(URN), True),
        (Owner(URN, "a"), Owner(URN, "b"), True),
        (Owner(URN, "a"), Owner(OTHER, "a"), True),
        (Owner(URN, "a"), Owner(OTHER, "b"), False),
        (Owner(URN), Owner(OTHER), False),
        (Owner(URN, "a"), Owner(OTHER), False),
        (Owner(URN), Owner(OTHER, "a"), False),
    ],
    ids=[
        "same address",
        "same address, other token",
        "other address, same token",
        "both differ",
        "neither has a token",
        "only the first has a token",
        "only the second has a token",
    ],
)
def test_two_are_one_by_their_address_or_by_a_token_that_both_have(
    one: Owner, another: Owner, same: bool
) -> None:
    assert one.is_same(another) is same
    assert another.is_same(one) is same


@pytest.mark.parametrize(
    ("urn", "stack", "project", "name"),
    [
        (URN, "prod", "platform", "dev"),
        ("urn:pulumi:s::p::t::a::b", "s", "p", "a::b"),
        ("urn:pulumi:s::p::t::a::b::c::d", "s", "p", "a::b::c::d"),
        ("urn:pulumi:s::p::x:y:Z$kitaru:index:Stack::::", "s", "p", "::"),
        ("urn:pulumi:s::p::t::urn:pulumi:n", "s", "p", "urn:pulumi:n"),
        ("urn:pulumi:s::p::t", "", "", ""),
        ("urn:pulumi:", "", "", ""),
        ("s::p::t::dev", "", "", ""),
        ("arn:aws:s::p::t::dev", "", "", ""),
        ("x:urn:pulumi:s::p::t::dev", "", "", ""),
    ],
)
def test_an_address_is_read_up_to_its_name_which_may_hold_colons(
    urn: str, stack: str, project: str, name: str
) -> None:
    owner = Owner(urn)
    assert (owner.stack, owner.project, owner.name) == (stack, project, name)
    assert owner.to_dict() == {"tool": "pulumi", "project": project, "stack": stack, "urn": urn}
    spoken = f"resource '{name}' of project '{project}', stack '{stack}'" if name else urn
    assert str(owner) == spoken


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        ({}, None),
        ({OWNER_LABEL: ""}, None),
        ({OWNER_RUN_LABEL: "a"}, None),
        ({OWNER_LABEL: URN}, Owner(URN)),
        ({OWNER_LABEL: URN, OWNER_RUN_LABEL: ""}, Owner(URN)),
        ({OWNER_LABEL: URN, OWNER_RUN_LABEL: None}, Owner(URN)),
        ({OWNER_LABEL: URN, OWNER_RUN_LABEL: "a"}, Owner(URN, "a")),
        ({OWNER_LABEL: URN, OWNER_RUN_LABEL: 7}, Owner(URN, "7")),
    ],
)
def test_an_owner_is_who_the_address_names(labels: dict[str, object], owner: Owner | None) -> None:
    assert owner_of(labels) == owner


@pytest.mark.parametrize("owner", [Owner(URN), Owner(URN, "a")], ids=["no token", "a token"])
def test_labels_and_owner_are_each_others_reading(owner: Owner) -> None:
    assert owner_of(owner.labels) == owner
    assert set(owner.labels) == ({OWNER_LABEL, OWNER_RUN_LABEL} if owner.run else {OWNER_LABEL})


@pytest.mark.parametrize(
    ("owner", "current", "labels"),
    [
        (None, None, {}),
        (None, stored(Owner(URN, "a")), {}),
        (Owner(URN, "a"), None, Owner(URN, "a").labels),
        (Owner(URN, "a"), stored(None), Owner(URN, "a").labels),
        (Owner(URN, "b"), stored(Owner(URN, "a")), Owner(URN, "a").labels),
        (Owner(URN, "b"), stored(Owner(URN)), Owner(URN, "b").labels),
        (Owner(URN, "b"), stored(Owner(OTHER, "a")), Owner(URN, "b").labels),
        (Owner(URN, "a"), stored(Owner(OTHER, "a")), Owner(URN, "a").labels),
    ],
    ids=[
        "the command's new stack",
        "the command, on a stack of Pulumi's",
        "a new stack",
        "a stack of the command's",
        "its own stack, by another run",
        "its own stack, which has no token yet",
        "another's stack",
        "its own stack under its former address",
    ],
)
def test_a_stack_keeps_the_token_of_the_run_that_made_it(
    owner: Owner | None, current: Records | None, labels: dict[str, str]
) -> None:
    assert labels_for(owner, current) == labels


@pytest.mark.parametrize(
    ("by", "owner", "says"),
    [
        (None, None, "passed"),
        (None, Owner(URN, "b"), "passed"),
        (Owner(URN, "a"), None, "ProtectedStackError"),
        (Owner(URN, "a"), Owner(URN, "b"), "passed"),
        (Owner(URN), Owner(URN), "passed"),
        (Owner(URN, "a"), Owner(OTHER, "a"), "passed"),
        (Owner(URN, "a"), Owner(OTHER, "b"), "ProtectedStackError"),
        (Owner(URN), Owner(OTHER), "ProtectedStackError"),
        (Owner(URN, "a"), Owner(OTHER), "ProtectedStackError"),
        (Owner(NAMELESS), Owner(URN, "a"), "ProtectedStackError"),
    ],
)
def test_only_its_owner_changes_a_stack_of_pulumis(
    by: Owner | None, owner: Owner | None, says: str
) -> None:
    assert refusal(lambda: require_changeable(stored(by), owner)) == says


@pytest.mark.parametrize(
    ("by", "then"),
    [
        (Owner(URN, "a"), ", in the folder of project 'platform': pulumi up --stack prod"),
        (Owner(NAMELESS), " run: pulumi up"),
    ],
    ids=["an address", "no address"],
)
def test_a_refused_change_says_whose_the_stack_is_and_where_it_is_changed(
    by: Owner, then: str
) -> None:
    with pytest.raises(ProtectedStackError) as refused:
        require_changeable(stored(by), None)
    assert refused.value.what == "Stack 'dev' belongs to Pulumi"
    assert refused.value.why == f"It is {by}."
    assert refused.value.remedy == f"Change it in its program, then{then}"


@pytest.mark.parametrize(
    ("by", "owner", "says"),
    [
        (None, None, "AlreadyExistsError"),
        (Owner(URN, "a"), None, "AlreadyExistsError"),
        (None, Owner(URN, "a"), "AlreadyExistsError"),
        (None, Owner(URN), "AlreadyExistsError"),
        (Owner(URN), Owner(URN), "AlreadyExistsError"),
        (Owner(URN), Owner(URN, "a"), "AlreadyExistsError"),
        (Owner(OTHER, "b"), Owner(URN, "a"), "ProtectedStackError"),
        (Owner(OTHER, "a"), Owner(URN, "a"), "ProtectedStackError"),
        (Owner(OTHER), Owner(URN), "ProtectedStackError"),
    ],
    ids=[
        "the command, and a stack of the command's",
        "the command, and a stack of Pulumi's",
        "Pulumi, and a stack of the command's",
        "Pulumi without a token, and a stack of the command's",
        "Pulumi, and its own stack, both without a token",
        "Pulumi, and its own stack without a token",
        "Pulumi, and another's stack",
        "Pulumi, and another's stack with the same token",
        "Pulumi, and another's stack, both without a token",
    ],
)
def test_a_name_that_is_taken_is_refused(by: Owner | None, owner: Owner | None, says: str) -> None:
    assert refusal(lambda: require_creatable(stored(by), owner)) == says


def test_the_command_is_told_how_to_change_what_has_the_name() -> None:
    with pytest.raises(AlreadyExistsError) as ours:
        require_creatable(stored(None), None)
    assert "Pulumi" not in str(ours.value)
    assert "kitaru stack apply" in str(ours.value.remedy)
    assert "kitaru stack show dev" in str(ours.value.remedy)
    with pytest.raises(AlreadyExistsError) as theirs:
        require_creatable(stored(Owner(URN)), None)
    assert theirs.value.what == "A stack named 'dev' already exists, and belongs to Pulumi"
    assert theirs.value.why == f"It is {Owner(URN)}."
    assert "kitaru" not in str(theirs.value.remedy)
    assert "pulumi up --stack prod" in str(theirs.value.remedy)


@pytest.mark.parametrize(
    ("urn", "word"),
    [
        ("urn:pulumi:s::p::kitaru:index:Stack::in-code", "in-code"),
        ("urn:pulumi:s::p::kitaru:index:Stack::two words", "'two words'"),
        (NAMELESS, "dev"),
    ],
    ids=["a name", "a name with a space", "no name"],
)
def test_a_program_is_told_how_to_import_what_has_the_name(urn: str, word: str) -> None:
    with pytest.raises(AlreadyExistsError) as taken:
        require_creatable(stored(None), Owner(urn, "a"))
    assert taken.value.what == "A stack named 'dev' already exists"
    assert "not made by Pulumi" in str(taken.value.why)
    assert f"pulumi import kitaru:index:Stack {word} the-id" in str(taken.value.remedy)


def test_a_program_is_told_of_an_earlier_run_that_made_its_stack() -> None:
    with pytest.raises(AlreadyExistsError) as taken:
        require_creatable(stored(Owner(URN)), Owner(URN, "a"))
    assert "earlier run" in str(taken.value.why)
    assert "pulumi import kitaru:index:Stack dev the-id" in str(taken.value.remedy)


@pytest.mark.parametrize("refuse", [require_creatable, require_changeable])
def test_a_program_is_told_to_import_what_is_another_programs_only_if_that_let_it_go(
    refuse: Callable[..., None],
) -> None:
    with pytest.raises(ProtectedStackError) as taken:
        refuse(stored(Owner(OTHER, "b")), Owner(URN, "a"))
    remedy = str(taken.value.remedy)
    assert "pulumi up --stack test" in remedy
    assert remedy.count("pulumi import") == 1
    assert "If that program has let it go" in remedy
    assert f"pulumi import kitaru:index:Stack dev dev@{OTHER}" in remedy
    assert (f"pulumi state delete {URN}" in remedy) is (refuse is require_changeable)


def test_a_resource_of_the_same_program_is_told_how_names_are_changed() -> None:
    with pytest.raises(ProtectedStackError) as taken:
        require_creatable(stored(Owner(URN, "b")), Owner(f"{URN}2", "a"))
    assert "aliases=[pulumi.Alias(name='dev')]" in str(taken.value.remedy)
    assert f"pulumi state rename {URN} dev2" in str(taken.value.remedy)
    assert "pulumi import" not in str(taken.value.remedy)


@pytest.mark.parametrize("infrastructure", [False, True])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("owner", [None, Owner(URN), Owner(URN, "a")], ids=repr)
def test_a_stack_of_nobodys_is_removed_by_anybody(
    owner: Owner | None, force: bool, infrastructure: bool
) -> None:
    labels = stored(None).labels
    require_removable("dev", labels, owner, id=ID, force=force, infrastructure=infrastructure)


@pytest.mark.parametrize("infrastructure", [False, True])
def test_a_resource_without_a_token_removes_its_own_stack(infrastructure: bool) -> None:
    labels = stored(Owner(URN)).labels
    require_removable("dev", labels, Owner(URN), id=ID, infrastructure=infrastructure)


@pytest.mark.parametrize(
    ("owner", "force", "infrastructure", "deployed", "says"),
    [
        (None, False, False, False, "ProtectedStackError"),
        (None, False, True, True, "ProtectedStackError"),
        (None, True, False, False, "passed"),
        (None, True, False, True, "passed"),
        (None, True, True, False, "ProtectedStackError"),
        (None, True, True, True, "passed"),
        (Owner(OTHER, "b"), False, False, False, "ProtectedStackError"),
        (Owner(OTHER, "b"), True, False, False, "ProtectedStackError"),
        (Owner(OTHER, "b"), True, True, True, "ProtectedStackError"),
        (Owner(OTHER), True, False, False, "ProtectedStackError"),
    ],
    ids=[
        "the command",
        "the command, with the infrastructure that it provisioned",
        "the command by force",
        "the command by force, leaving the infrastructure that it provisioned",
        "the command by force, with infrastructure that it did not provision",
        "the command by force, with infrastructure that it provisioned",
        "another program",
        "another program by force",
        "another program by force, with infrastructure",
        "another program without a token by force",
    ],
)
@pytest.mark.parametrize("run", ["a", ""], ids=["with a token", "without a token"])
def test_who_may_remove_a_stack_of_pulumis(
    owner: Owner | None, force: bool, infrastructure: bool, deployed: bool, says: str, run: str
) -> None:
    labels = stored(Owner(URN, run), **(DEPLOYED if deployed else {})).labels

    def judge() -> None:
        require_removable("dev", labels, owner, id=ID, force=force, infrastructure=infrastructure)

    assert refusal(judge) == says


def test_without_a_word_nothing_is_forced_and_no_infrastructure_is_meant() -> None:
    with pytest.raises(ProtectedStackError) as refused:
        require_removable("dev", stored(Owner(URN)).labels, None, id=ID)
    assert refused.value.why == f"It is {Owner(URN)}."
    with pytest.raises(ProtectedStackError) as provisioned:
        require_removable("dev", stored(Owner(URN)).labels, None, id=ID, infrastructure=True)
    expected = f"It is {Owner(URN)}. The command provisioned nothing for it."
    assert provisioned.value.why == expected


@pytest.mark.parametrize(
    ("urn", "here", "target"),
    [
        (URN, " --stack prod", URN),
        ("urn:pulumi:s::p::t::two words", " --stack s", "'urn:pulumi:s::p::t::two words'"),
        (NAMELESS, "", NAMELESS),
    ],
    ids=["an address", "an address with a space", "no address"],
)
def test_a_refused_removal_says_how_its_program_removes_it(
    urn: str, here: str, target: str
) -> None:
    with pytest.raises(ProtectedStackError) as refused:
        require_removable("dev", stored(Owner(urn)).labels, None, id=ID)
    assert str(refused.value.remedy).splitlines() == [
        f"Delete it with: pulumi destroy{here} --target {target}",
        f"or take it out of the program and run: pulumi up{here}",
        f"If Pulumi's state of it is lost: kitaru stack delete {ID} --force",
    ]


@pytest.mark.parametrize(
    ("by", "owner", "warns"),
    [
        (None, None, False),
        (None, Owner(URN), False),
        (Owner(URN), None, True),
        (Owner(URN, "a"), Owner(URN, "b"), False),
        (Owner(URN, "a"), Owner(OTHER, "a"), False),
        (Owner(URN, "a"), Owner(OTHER, "b"), True),
        (Owner(URN), Owner(OTHER), True),
    ],
)
def test_a_removal_is_warned_of_where_it_was_another_programs(
    by: Owner | None, owner: Owner | None, warns: bool
) -> None:
    said = forced_warning(stored(by).labels, owner)
    assert len(said) == int(warns)
    for line in said:
        assert f"belonged to Pulumi ({by})" in str(line)
        assert "pulumi up --refresh" in str(line)
