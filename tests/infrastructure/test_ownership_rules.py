"""Whose what exists is, decided on a state and on what the cloud says; both sides of each guard.

The real account and the real engine stand behind the same rules in `tests/clouds/aws`; here both
are tables, so that each condition has its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kitaru_iac.clouds.provider import Claim, Marked, Sighting, Target, marks
from kitaru_iac.engine.errors import DeploymentElsewhere, ResourceProtected
from kitaru_iac.errors import (
    AlreadyExistsError,
    InfrastructureRemains,
    KitaruError,
    StackChanged,
)
from kitaru_iac.infrastructure import destroy
from kitaru_iac.infrastructure.deletion_protection import require_unlocked
from kitaru_iac.infrastructure.deployments import (
    OwnedDeployment,
    configured,
    require_same_place,
)
from kitaru_iac.infrastructure.ownership import (
    doubtful,
    fates,
    foreign,
    kept,
    require_own_names,
)
from kitaru_iac.labels import STACK_LABEL
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.plan.model import Action, Kept, Layer, Step

OWN = marks("kitaru", "prod")
BUCKET, BLOCK, ROLE = "cloud:Bucket", "cloud:PublicAccessBlock", "cloud:Role"


@dataclass
class Cloud:
    """An account: what exists in it by type and name, and what it was asked."""

    sights: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def place(self) -> dict[str, str]:
        return {"account": "1", "region": "r"}

    def environment(self) -> dict[str, str]:
        return {"WHO": "me"}

    def sight(
        self, type: str, inputs: Mapping[str, object], marks: Mapping[str, str]
    ) -> Sighting | None:
        self.asked.append(marks)
        return self.sights.get((type, str(inputs.get("name"))))

    def holds(self, type: str, id: str) -> str | None:
        return self.contents.get(id)

    def others_in(self, type: str, id: str) -> str | None:
        return self.shared.get(id)

    def empty(self, type: str, id: str) -> None:
        raise AssertionError("nothing is emptied here")


@dataclass
class State:
    """A deployment's state, as Pulumi exports it."""

    states: list[dict[str, Any]] = field(default_factory=list)
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    equipment: Any = None
    later: State | None = None
    project = "kitaru"
    stack = "prod"

    @property
    def backend(self) -> Any:
        return type("Backend", (), {"label": "file:///state"})

    def look_again(self) -> None:
        if self.later is not None:
            self.states, self.unfinished = self.later.states, self.later.unfinished

    def providers(self) -> list[dict[str, Any]]:
        return [state for state in self.states if state["type"].startswith("pulumi:providers:")]

    def resources(self) -> list[dict[str, Any]]:
        return self.states

    def begun(self) -> list[dict[str, Any]]:
        return self.unfinished

    def configure(self, *equipment: Any) -> None:
        self.equipment = equipment


def owned(cloud: Cloud, state: State) -> OwnedDeployment:
    return OwnedDeployment(state, cloud, OWN)


def resource(type: str, name: str, **more: Any) -> dict[str, Any]:
    own = {"urn": f"urn:{name}", "type": type, "id": name, "inputs": {"name": name}}
    return {**own, **more}


def ours(name: str) -> Sighting:
    return Sighting(name, f"thing {name}")


def theirs(name: str, removal: str | None = None, origin: str | None = None) -> Sighting:
    lacks = "it lacks the tags"
    return Sighting(name, f"thing {name}", lacks, removal=removal, origin=origin)


def target(*claims: Claim) -> Target:
    return Target(
        account=Cloud(),
        program=lambda: None,
        plugins=(),
        outputs={},
        makes_anything=True,
        claims=claims,
    )


CUT_OFF = (
    "An earlier run was cut off while it made one of them, or another run is making it at this "
    "moment. If you know that it is of a run that was cut off, delete it, and run this again."
)
DATA = Claim(BUCKET, {"name": "data"})


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sights", "state"),
    [
        ({}, State()),
        ({(BUCKET, "data"): ours("data")}, State([resource(BUCKET, "data")])),
        # A run that was cut off has made it, and noted that it was about to.
        ({(BUCKET, "data"): ours("data")}, State(unfinished=[resource(BUCKET, "data")])),
        # Some clouds spell one id in upper and lower case.
        (
            {(BUCKET, "data"): ours("/resourceGroups/data")},
            State([resource(BUCKET, "data", id="/resourcegroups/data")]),
        ),
        ({(BUCKET, "other"): theirs("other")}, State()),
        ({(ROLE, "data"): theirs("data")}, State()),
    ],
    ids=["free", "known", "begun", "spelled otherwise", "another name", "another type"],
)
def test_names_that_are_free_or_the_deployments_own_are_taken(
    sights: dict[tuple[str, str], Sighting], state: State
) -> None:
    cloud = Cloud(sights)
    require_own_names(owned(cloud, state), target(DATA), "prod")
    assert cloud.asked == [OWN]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State(), "thing data: it lacks the tags"),
        # What the state knows may have been deleted, and made anew by somebody else.
        (State([resource(BUCKET, "data")]), "thing data: it lacks the tags"),
        (
            State(unfinished=[resource(BUCKET, "other"), resource(ROLE, "data")]),
            "thing data: it lacks the tags",
        ),
        (
            State(unfinished=[resource(BUCKET, "data")]),
            f"thing data: it lacks the tags\n{CUT_OFF}",
        ),
    ],
    ids=["unknown", "known", "something else begun", "begun"],
)
def test_a_name_that_is_somebody_elses_is_refused(state: State, why: str) -> None:
    cloud = Cloud({(BUCKET, "data"): theirs("data"), (ROLE, "r"): ours("r")})
    with pytest.raises(AlreadyExistsError, match="not made for it: thing data") as caught:
        require_own_names(owned(cloud, state), target(DATA, Claim(ROLE, {"name": "free"})), "prod")
    assert (caught.value.why, caught.value.where) == (why, "account 1, region r")
    assert "{bucket: existing}" in (caught.value.remedy or "")


@pytest.mark.parametrize("take_back", [False, True])
def test_what_leaves_the_program_is_deleted_only_if_it_is_the_deployments(
    *, take_back: bool
) -> None:
    """A colleague deleted our role and made one of the same name; the description drops ours."""
    cloud = Cloud({(ROLE, "steps"): theirs("steps"), (BUCKET, "old"): theirs("old")})
    left = State([resource(ROLE, "steps"), resource(BUCKET, "old", protect=True)])
    with pytest.raises(AlreadyExistsError, match=r"any more: thing steps\n") as caught:
        require_own_names(owned(cloud, left), target(DATA), "prod", take_back=take_back)
    assert "thing steps: it lacks the tags" in str(caught.value.why)
    cloud.sights = {(ROLE, "steps"): ours("steps")}
    require_own_names(owned(cloud, left), target(DATA), "prod", take_back=take_back)


@pytest.mark.parametrize(
    "state",
    [
        State(),
        State([resource(BUCKET, "other")]),
        State([resource(ROLE, "data")]),
        State(unfinished=[resource(BUCKET, "other")]),
    ],
    ids=["empty", "another name", "another type", "another begun"],
)
def test_what_is_ours_and_not_in_the_state_was_lost(state: State) -> None:
    cloud = Cloud({(BUCKET, "data"): ours("data")})
    with pytest.raises(AlreadyExistsError, match="not in the state") as caught:
        require_own_names(owned(cloud, state), target(DATA), "prod")
    assert caught.value.where == "file:///state"
    assert caught.value.why == "The state is in another backend, or was lost."
    assert "PULUMI_BACKEND_URL" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    "later",
    [State([resource(BUCKET, "data")]), State(unfinished=[resource(BUCKET, "data")])],
    ids=["made", "being made"],
)
def test_what_another_run_has_made_since_the_state_was_read_is_not_lost(later: State) -> None:
    """Two machines on one backend: the second one goes on, and waits for the lock of the first."""
    cloud = Cloud({(BUCKET, "data"): ours("data")})
    require_own_names(owned(cloud, State(later=later)), target(DATA), "prod")


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ({"Name": "net", "kitaru-stack": "prod"}, True),
        ({"Name": "net of others", "kitaru-stack": "prod"}, False),
        ({}, False),
        ("unknown", False),
    ],
    ids=str,
)
def test_what_is_called_by_a_tag_is_known_whatever_other_tags_it_has(
    tags: object, known: bool
) -> None:
    claim = Claim("cloud:Network", {"name": "net", "tags": {"Name": "net"}})
    cloud = Cloud({(claim.type, "net"): ours("net-1")})
    begun = resource(claim.type, "net", id="", inputs={"name": "net", "tags": tags})
    lost = pytest.raises(AlreadyExistsError, match=r"not in the state.*thing net-1")
    with nullcontext() if known else lost:
        require_own_names(owned(cloud, State(unfinished=[begun])), target(claim), "prod")


# -- taking down ----------------------------------------------------------------------------------


class Ended(Exception):
    """As far as the test goes."""


def test_what_could_not_be_emptied_stays_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next apply that drops the bucket from its program would delete it."""
    written: list[Mapping[str, bool]] = []

    class Taken(State):
        def settle(self) -> None:
            pass

        def set_protection(self, protected: Mapping[str, bool]) -> None:
            written.append(dict(protected))

        def destroy(self) -> Any:
            raise Ended

    class Account(Cloud):
        refuses = True

        def empty(self, type: str, id: str) -> None:
            assert written == [{}], "refused while another run holds the state"
            if self.refuses:
                raise Ended

    account = Account({(BUCKET, "data"): ours("data")}, {"data": "it holds objects"})
    there = owned(account, Taken([resource(BUCKET, "data", protect=True)]))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    for refuses, wrote in ((True, [{}]), (False, [{}, {"urn:data": False}])):
        written.clear()
        account.refuses = refuses
        with pytest.raises(Ended):
            destroy.destroy_infrastructure({}, include_protected=True, delete_data=True)
        assert written == wrote


@pytest.mark.parametrize("later", [theirs("data"), None])
def test_what_took_the_place_of_ours_meanwhile_is_not_emptied(
    later: Sighting | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state's lock may have been waited for, and the bucket be another one by then."""
    account = Cloud({(BUCKET, "data"): ours("data")}, {"data": "it holds objects"})
    written: list[Mapping[str, bool]] = []

    class Slow(State):
        def settle(self) -> None:
            pass

        def set_protection(self, protected: Mapping[str, bool]) -> None:
            written.append(dict(protected))
            account.sights.clear()
            if later is not None:
                account.sights[BUCKET, "data"] = later
            else:
                self.states.clear()  # another run has taken it down, and this is what it left

    there = owned(account, Slow([resource(BUCKET, "data", protect=True)]))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    with pytest.raises(StackChanged) as refused:
        destroy.destroy_infrastructure({}, include_protected=True, delete_data=True)
    assert "data" in str(refused.value)
    assert written == [{}], "it stays protected"


# -- where -----------------------------------------------------------------------------------------


AWS = {"type": "pulumi:providers:aws", "urn": "urn:p",
       "inputs": {"region": "eu-west-1", "allowedAccountIds": '["123456789012"]'}}  # fmt: skip


@pytest.mark.parametrize(
    ("number", "region", "differs"),
    [
        ("123456789012", "eu-west-1", None),
        ("210987654321", "eu-west-1", "account 123456789012, not in account 210987654321"),
        ("123456789012", "us-east-1", "region eu-west-1, not in region us-east-1"),
    ],
)
def test_a_deployment_is_worked_on_only_where_it_is(
    number: str, region: str, differs: str | None
) -> None:
    """In another account the same names and tags may be another stack's of the same name."""
    from kitaru_iac.clouds.aws.provision.target import place_of

    other = {"type": "pulumi:providers:random", "urn": "urn:r", "inputs": {}}
    state, here = State([other, AWS]), {"account": number, "region": region}
    if differs is None:
        require_same_place(state, place_of, here)
        return
    with pytest.raises(DeploymentElsewhere, match=differs):
        require_same_place(state, place_of, here)


# -- fates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protected", "full", "include_protected", "delete_data", "reason"),
    [
        (False, False, False, False, None),
        (True, False, False, False, "protected"),
        (True, False, True, False, None),
        (False, True, False, False, "it holds objects"),
        (False, True, False, True, None),
        (False, True, True, False, "it holds objects"),
        (True, True, True, False, "it holds objects"),
        (True, True, False, True, "protected"),
        (True, True, True, True, None),
    ],
)
def test_what_is_protected_or_holds_data_goes_on_demand_alone(
    *, protected: bool, full: bool, include_protected: bool, delete_data: bool, reason: str | None
) -> None:
    cloud = Cloud({(BUCKET, "data"): ours("data")}, {"data": "it holds objects"} if full else {})
    state = State([resource(BUCKET, "data", protect=protected)])
    (fate,) = fates(
        owned(cloud, state), include_protected=include_protected, delete_data=delete_data
    )
    assert (fate.reason, fate.protected) == (reason, protected)
    assert fate.holding == ("it holds objects" if full else None)
    assert fate.step(Action.DELETE) == Step(Action.DELETE, BUCKET, "data", Layer.INFRASTRUCTURE)


LOCKED = Sighting("k", "EKS cluster k", locked="deletion_protection")


def test_what_the_cloud_would_refuse_to_delete_stops_the_run_before_anything_goes() -> None:
    """Its roles and network would go before it, and leave it in ruins."""
    cloud = Cloud({(ROLE, "k"): LOCKED})
    state = State([resource(ROLE, "k")])
    decided = fates(owned(cloud, state), include_protected=False, delete_data=False)
    with pytest.raises(ResourceProtected, match="k is protected") as caught:
        require_unlocked(decided)
    assert "deletion_protection: false" in str(caught.value.remedy)
    # In an apply it leaves the program, which deletes it too; named by it, it stays.
    with pytest.raises(ResourceProtected, match="k is protected"):
        require_own_names(owned(cloud, state), target(DATA), "prod")
    require_own_names(owned(cloud, state), target(DATA, Claim(ROLE, {"name": "k"})), "prod")


def test_what_stays_anyway_may_be_locked() -> None:
    cloud = Cloud({(ROLE, "k"): LOCKED})
    kept_one = State([resource(ROLE, "k", protect=True)])
    require_unlocked(fates(owned(cloud, kept_one), include_protected=False, delete_data=False))
    require_own_names(owned(cloud, kept_one), target(DATA), "prod")


@pytest.mark.parametrize("everything", [False, True])
def test_what_is_somebody_elses_stays_whatever_is_demanded(*, everything: bool) -> None:
    cloud = Cloud({(BUCKET, "data"): theirs("data")}, {"data": "it holds objects"})
    state = State([resource(BUCKET, "data")])
    (fate,) = fates(owned(cloud, state), include_protected=everything, delete_data=everything)
    assert fate.reason == "not made for this stack: it lacks the tags"
    assert fate.holding is None


def test_what_is_gone_from_the_cloud_goes_from_the_state() -> None:
    (fate,) = fates(
        owned(Cloud(), State([resource(BUCKET, "data")])),
        include_protected=False,
        delete_data=False,
    )
    assert fate.reason is None


@pytest.mark.parametrize(
    ("protected", "reason"), [(True, "protected"), (False, None)], ids=["stays", "goes"]
)
def test_a_setting_shares_the_fate_of_its_thing(*, protected: bool, reason: str | None) -> None:
    """Protected like the bucket, the setting of one that goes is no reason to stay."""
    setting = resource(BLOCK, "block", parent="urn:data", protect=True)
    state = State([resource(BUCKET, "data", protect=protected), setting])
    cloud = Cloud({(BUCKET, "data"): ours("data")}, {"block": "it holds a setting"})
    decided = fates(owned(cloud, state), include_protected=False, delete_data=False)
    assert [fate.reason for fate in decided] == [reason, reason]
    assert [fate.parent for fate in decided] == [None, "urn:data"]
    assert kept(decided) == ((Kept(BUCKET, "data", "protected"),) if reason else ())


FOREIGN = "not made for this stack: it lacks the tags"


def test_a_setting_that_is_somebody_elses_keeps_its_thing() -> None:
    """The engine deletes nothing on which a protected resource stands, and its data stay too."""
    state = State([resource(BUCKET, "data"), resource(BLOCK, "block", parent="urn:data")])
    cloud = Cloud({(BUCKET, "data"): ours("data"), (BLOCK, "block"): theirs("block")})
    decided = fates(owned(cloud, state), include_protected=True, delete_data=True)
    stands = f"block ({BLOCK}) stays, and depends on it"
    assert [fate.reason for fate in decided] == [stands, FOREIGN]
    assert kept(decided) == (Kept(BUCKET, "data", stands), Kept(BLOCK, "block", FOREIGN))
    assert foreign(decided) == (Kept(BLOCK, "block", FOREIGN),)
    decided = fates(
        owned(cloud, state), include_protected=True, delete_data=True, forget_foreign=True
    )
    assert [fate.reason for fate in decided] == [None, FOREIGN]


NODES = resource(
    "cloud:Nodes",
    "n",
    parent="urn:c",
    dependencies=["urn:out"],
    propertyDependencies={"subnets": ["urn:subnet"], "none": None},
)
#: A node group in a cluster that depends on its role, a subnet and the way out of it.
CLUSTER = [
    resource("cloud:Network", "net"),
    resource("cloud:Nat", "nat", parent="urn:net"),
    resource("cloud:Default", "default", parent="urn:net"),
    resource("cloud:Subnet", "subnet", parent="urn:net"),
    resource("cloud:Route", "out", parent="urn:net", propertyDependencies={"nat": ["urn:nat"]}),
    resource(ROLE, "cluster-role"),
    resource("cloud:Cluster", "c", dependencies=["urn:cluster-role"]),
    resource("cloud:Addon", "dns", parent="urn:c"),
    NODES,
    resource(ROLE, "free"),
]


def foreign_cluster(
    states: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, **more: frozenset[str]
) -> None:
    """Somebody else's by now; its nodes lie in it, and the add-on is a setting."""
    cloud = Cloud({("cloud:Cluster", "c"): theirs("c")})
    there = replace(owned(cloud, State(states)), inside=frozenset({"cloud:Nodes"}), **more)
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))


def test_parts_of_what_is_forgotten_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = ({**NODES, "dependencies": [], "propertyDependencies": {}},)
    foreign_cluster(
        [resource("cloud:Cluster", "c"), *CLUSTER[7:8], *alone, CLUSTER[9]], monkeypatch
    )
    plan = destroy.preview_destroy({}, forget_foreign=True)
    assert [part.name for part in plan.forgotten] == ["c", "n"]
    assert [step.name for step in plan.steps] == ["free"]


@pytest.mark.parametrize(
    ("of_cluster", "of_nodes", "unchanged", "says"),
    [
        (["urn:cluster-role"], [], (), ["c needs cluster-role"]),
        ([], ["urn:out", "urn:subnet"], (), ["n needs out, subnet"]),
        (["urn:cluster-role"], ["urn:out"], (), ["c needs cluster-role", "n needs out"]),
        (["urn:cluster-role"], ["urn:out"], ("cloud:Route",), ["c needs cluster-role"]),
    ],
)
def test_what_is_forgotten_keeps_all_that_it_stands_on(
    monkeypatch: pytest.MonkeyPatch,
    of_cluster: list[str],
    of_nodes: list[str],
    unchanged: tuple[str, ...],
    says: list[str],
) -> None:
    """A policy took the tags of a cluster: without its role and its routes it would be broken."""
    cluster = resource("cloud:Cluster", "c", dependencies=of_cluster)
    nodes = {**NODES, "dependencies": of_nodes, "propertyDependencies": {}}
    states = [*CLUSTER[:6], cluster, CLUSTER[7], nodes]
    foreign_cluster(states, monkeypatch, unchanged=frozenset(unchanged))
    for act in (destroy.preview_destroy, destroy.destroy_infrastructure):
        with pytest.raises(ResourceProtected, match="stands on, what would be deleted") as refused:
            act({}, forget_foreign=True)
        assert str(refused.value.why).splitlines()[1:] == says
        assert "Nothing was changed" in str(refused.value.remedy)
    foreign_cluster(states, monkeypatch, unchanged=frozenset(unchanged))
    kept_by_need = {part.name for part in destroy.preview_destroy({}).kept}
    assert {need.removeprefix("urn:") for need in (*of_cluster, *of_nodes)} <= {
        *kept_by_need,
        *(name for name in ("out",) if unchanged),
    }


def test_what_only_leaves_the_state_is_named_by_its_type_or_alone() -> None:
    there = replace(owned(Cloud({}), State([])), unchanged=frozenset({"a:Api", "a:Grant::role"}))
    assert there.only_leaves("a:Api", "urn:pulumi:s::p::x$a:Api::any")
    assert there.only_leaves("a:Grant", "urn:pulumi:s::p::x$a:Grant::role")
    assert there.only_leaves("a:Grant", "role"), "as a step names it"
    assert not there.only_leaves("a:Grant", "urn:pulumi:s::p::x$a:Grant::other")
    assert not there.only_leaves("b:Grant", "urn:pulumi:s::p::x$b:Grant::role")


def test_a_setting_of_what_is_forgotten_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy of a role that somebody made anew names a bucket, which goes."""
    policy = resource("cloud:Policy", "p", parent="urn:steps", dependencies=["urn:data"])
    states = [resource(BUCKET, "data"), resource(ROLE, "steps"), policy]
    there = owned(Cloud({(ROLE, "steps"): theirs("steps")}), State(states))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    plan = destroy.preview_destroy({}, forget_foreign=True)
    assert [step.name for step in plan.steps] == ["data"]
    assert [part.name for part in plan.forgotten] == ["steps"]


@pytest.mark.parametrize("delete_data", [False, True])
@pytest.mark.parametrize("protected", [False, True])
def test_what_others_have_in_it_keeps_it_whatever_is_said(
    *, delete_data: bool, protected: bool
) -> None:
    cloud = Cloud(contents={"group": "it has data"}, shared={"group": "it has a machine"})
    states = [resource("cloud:Group", "group", protect=protected), resource(ROLE, "steps")]
    look = owned(cloud, State(states))
    for include in (False, True):
        decided = fates(look, include_protected=include, delete_data=delete_data)
        reason = "protected" if protected and not include else "it has a machine"
        assert [fate.reason for fate in decided] == [reason, None]
        assert not foreign(decided)


def test_what_a_run_has_all_but_made_is_in_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = [resource("cloud:Cluster", name, id="") for name in ("made", "theirs", "nothing")]
    sights = {"made": ours("made"), "theirs": theirs("theirs")}
    cloud = Cloud({("cloud:Cluster", name): sight for name, sight in sights.items()})
    there = owned(cloud, State([resource(ROLE, "steps")], begun))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    plan = destroy.preview_destroy({})
    assert [step.name for step in plan.steps] == ["steps", "made"]
    assert [part.name for part in plan.kept] == ["theirs"]


class CutOff(State):
    """A state with what a run had begun when it was cut off, until that is settled."""

    log: tuple[str, ...] = ()
    fails: Exception | None = None

    def settle(self) -> None:
        self.log += ("settled",)
        self.unfinished = []

    def set_protection(self, protected: Mapping[str, bool]) -> None:
        self.log += ("written",)

    def destroy(self) -> Any:
        self.log += ("destroyed",)
        if self.fails is not None:
            raise self.fails
        self.states = []
        return type("Result", (), {"steps": lambda _: []})()


def test_nothing_is_written_before_a_deletion_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = replace(ours("c"), locked="deletion_protection")
    cloud = Cloud({("cloud:Cluster", "c"): locked, (BUCKET, "data"): theirs("data")})
    state = CutOff([resource("cloud:Cluster", "c")], [resource(BUCKET, "data")])
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(owned(cloud, state)))
    with pytest.raises(ResourceProtected, match="Nothing was changed"):
        destroy.destroy_infrastructure({})
    assert (state.log, len(state.unfinished)) == ((), 1), "the next run can tell"


@pytest.mark.parametrize("fails", [True, False])
def test_what_a_run_may_have_made_is_told_though_the_deletion_fails(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """No later run could: the state has forgotten it by then."""
    state = CutOff([resource(ROLE, "steps")], [resource(BUCKET, "data")])
    cloud = Cloud({(BUCKET, "data"): theirs("data")})
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(owned(cloud, state)))
    monkeypatch.setattr(destroy, "require_nothing_unknown", lambda *_, **__: ())
    said: list[str] = []
    told = "data: a run was cut off while it made this, or it is somebody else's: it lacks the tags"
    if not fails:
        done = destroy.destroy_infrastructure({}, progress=said.append)
        assert [part.name for part in done.kept] == ["data"]
    else:
        state.fails = KitaruError("no", left=["one"])
        with pytest.raises(KitaruError) as failed:
            destroy.destroy_infrastructure({}, progress=said.append)
        assert (failed.value.left, failed.value.why) == (("one",), told)
    assert said == [told]
    assert state.log == ("settled", "destroyed")


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("strikes", ["first", "second", "engine"])
@pytest.mark.parametrize("pressed", [True, False])
def test_data_that_is_gone_is_told_with_whatever_ends_the_deletion(
    monkeypatch: pytest.MonkeyPatch, strikes: str, *, pressed: bool, recorded: bool
) -> None:
    """A bare "Interrupted" would be taken for "nothing was changed"."""
    how = KeyboardInterrupt() if pressed else KitaruError("no", why="denied")

    class Emptied(Cloud):
        def empty(self, type: str, id: str) -> None:
            if id == strikes:
                raise how

    class Forgetting(CutOff):
        def forget(self, _: set[str]) -> None:
            pass

        def destroy(self) -> Any:
            raise how

    names = ("first", "second")
    state = Forgetting([resource(BUCKET, name) for name in names] + [resource(ROLE, "steps")])
    cloud = Emptied(
        {(BUCKET, name): ours(name) for name in names} | {(ROLE, "steps"): theirs("steps")},
        contents=dict.fromkeys(names, "it holds data"),
    )
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(owned(cloud, state)))
    with pytest.raises((WorkInterrupted, KitaruError)) as ended:
        destroy.destroy_infrastructure(
            {STACK_LABEL: "prod"}, delete_data=True, forget_foreign=True, recorded=recorded
        )
    begun = names[:1] if strikes == "first" else names
    lines = [f"what {name} held may be deleted, in part or in full" for name in begun]
    lines.insert(0, "the state may have forgotten steps")
    if isinstance(how, KitaruError):
        assert how.why == "\n".join(["denied", *lines])
        return
    assert isinstance(ended.value, WorkInterrupted)
    first = ["Interrupted while deployment 'prod' was being deleted"]
    first += ["its stack's record stays"] if recorded else []
    assert ended.value.what == "; ".join([*first, *lines])
    assert ended.value.remedy == "Run the same command again to go on."


def test_what_may_be_a_strangers_is_not_among_what_is_to_be_deleted_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of all that is left, the error says that it carries the tags."""

    class Marking(Cloud):
        def marked(self, _: Mapping[str, str]) -> Marked:
            return Marked((ours("more"),))

    state = CutOff([resource(ROLE, "steps")], [resource(BUCKET, "data")])
    there = owned(Marking({(BUCKET, "data"): theirs("data")}), state)
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    with pytest.raises(InfrastructureRemains) as failed:
        destroy.destroy_infrastructure({})
    assert failed.value.left == ("thing more",)
    *_, tagged, doubt = str(failed.value.why).splitlines()
    assert tagged == "All that is named carries the deployment's tags."
    assert doubt.startswith("data: ")
    assert "or it is somebody else's: it lacks the tags" in doubt


@pytest.mark.parametrize("forget", [False, True])
def test_all_that_what_stays_depends_on_stays_by_name(
    *, forget: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster and a NAT gateway under a foreign node group cost money, and were not named."""
    written: list[Mapping[str, bool]] = []

    class Taken(State):
        def settle(self) -> None:
            pass

        def forget(self, urns: set[str]) -> None:
            self.states = [one for one in self.states if one["urn"] not in urns]

        def set_protection(self, protected: Mapping[str, bool]) -> None:
            written.append(dict(protected))

        def destroy(self) -> Any:
            self.states = [one for one in self.states if one["id"] != "free" and not forget]
            return type("Result", (), {"steps": lambda _: []})()

    cloud = Cloud({("cloud:Nodes", "n"): theirs("n")})
    state = Taken([*CLUSTER])
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(owned(cloud, state)))
    monkeypatch.setattr(destroy, "require_nothing_unknown", lambda *_, **__: ())
    if forget:
        for act in (destroy.preview_destroy, destroy.destroy_infrastructure):
            with pytest.raises(ResourceProtected, match="deleted: n\n") as refused:
                act({}, forget_foreign=True)
            assert "Delete it, or give it back its tags" in str(refused.value.remedy)
        assert (state.states, written) == (CLUSTER, [])
        lonely = {**NODES, "parent": "", "dependencies": [], "propertyDependencies": {}}
        state.states = [lonely if one is NODES else one for one in CLUSTER]
        plan = destroy.preview_destroy({}, forget_foreign=True)
        done = destroy.destroy_infrastructure({}, forget_foreign=True)
        # What is agreed to is all that goes.
        assert [step.name for step in plan.steps] == [one["id"] for one in CLUSTER if one != NODES]
        assert (plan.kept, plan.foreign, plan.forgotten) == ((), (), done.forgotten)
        assert (done.kept, [part.name for part in done.forgotten]) == ((), ["n"])
        return
    plan, done = destroy.preview_destroy({}), destroy.destroy_infrastructure({})
    assert [step.name for step in plan.steps] == ["free"]
    assert plan.kept == done.kept
    reasons = {part.name: part.reason for part in done.kept}
    assert reasons.pop("n") == FOREIGN
    assert reasons.pop("dns") == "c (cloud:Cluster) stays, and it is part of it"
    assert reasons.pop("default") == "net (cloud:Network) stays, and it is part of it"
    assert sorted(reasons) == ["c", "cluster-role", "nat", "net", "out", "subnet"]
    assert set(reasons.values()) == {"n (cloud:Nodes) stays, and depends on it"}
    assert [part.name for part in done.foreign] == ["n"]
    # What is needed stays without protection, and goes when nothing needs it any more.
    assert written == [{"urn:n": True, "urn:dns": True, "urn:default": True}]


def test_what_hangs_under_a_needed_network_stays_by_name() -> None:
    """A run was cut off before the node group, and the cluster is somebody else's by now."""
    free = ("n", "out", "free", "dns")
    states = [one for one in CLUSTER if one["id"] not in free]
    states[-1] = {**states[-1], "propertyDependencies": {"vpc": ["urn:net"]}}
    states.append(resource("cloud:Address", "ip", parent="urn:nat"))
    states.append(resource("cloud:Api", "api", parent="urn:net"))
    there = OwnedDeployment(
        State(states), Cloud({("cloud:Cluster", "c"): theirs("c")}), OWN, frozenset({"cloud:Api"})
    )
    decided = fates(there, include_protected=False, delete_data=False)
    assert all(fate.reason for fate in decided)
    part = "net (cloud:Network) stays, and it is part of it"
    assert {one.name: one.reason for one in kept(decided)} == {
        "c": FOREIGN,
        **dict.fromkeys(("net", "cluster-role"), "c (cloud:Cluster) stays, and depends on it"),
        **dict.fromkeys(("nat", "default", "subnet"), part),
        "ip": "nat (cloud:Nat) stays, and it is part of it",
    }


def test_what_the_engine_leaves_though_it_was_to_go_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Left(State):
        def settle(self) -> None:
            pass

        def destroy(self) -> Any:
            return type("Result", (), {"steps": lambda _: []})()

    there = owned(Cloud(), Left([resource(ROLE, "steps")]))
    monkeypatch.setattr(destroy, "existing", lambda *_: nullcontext(there))
    monkeypatch.setattr(destroy, "require_nothing_unknown", lambda *_, **__: ())
    assert [part.name for part in destroy.destroy_infrastructure({}).kept] == ["steps"]


def test_what_an_input_says_counts_before_what_an_output_says() -> None:
    state = State([resource(BUCKET, "data", outputs={"name": "old", "more": 1})])
    cloud = Cloud({(BUCKET, "data"): theirs("data")})
    (fate,) = fates(owned(cloud, state), include_protected=True, delete_data=True)
    assert fate.reason is not None
    state = State([{**resource(BUCKET, "data"), "inputs": None, "outputs": {"name": "data"}}])
    (fate,) = fates(owned(cloud, state), include_protected=True, delete_data=True)
    assert fate.reason is not None


def test_what_was_begun_and_is_not_ours_is_told() -> None:
    begun = [resource(BUCKET, "data"), resource(ROLE, "mine"), resource(ROLE, "nothing")]
    cloud = Cloud({(BUCKET, "data"): theirs("data"), (ROLE, "mine"): ours("mine")})
    why = "a run was cut off while it made this, or it is somebody else's: it lacks the tags"
    assert doubtful(owned(cloud, State(unfinished=begun))) == (Kept(BUCKET, "data", why),)
    cloud.sights[BUCKET, "data"] = theirs("data", "rm data")
    removal = "This deletes thing data only while nothing is in it: rm data"
    told = Kept(BUCKET, "data", f"{why}. {removal}")
    assert doubtful(owned(cloud, State(unfinished=begun))) == (told,)
    cloud.sights[BUCKET, "data"] = theirs("data", "rm data", "who data")
    why += f". Look first who made thing data: who data\n{removal}"
    assert doubtful(owned(cloud, State(unfinished=begun))) == (Kept(BUCKET, "data", why),)


def test_how_to_delete_an_unmarked_thing_is_said_only_where_a_run_was_cut_off() -> None:
    cloud = Cloud({(BUCKET, "data"): theirs("data", "rm data")})
    for state in (State(), State(unfinished=[resource(BUCKET, "data")])):
        with pytest.raises(AlreadyExistsError) as taken:
            require_own_names(owned(cloud, state), target(DATA), "prod")
        assert ("rm data" in str(taken.value.why)) == bool(state.unfinished)


# -- taken over ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sight", "id"), [(ours("data"), "data"), (theirs("data"), None), (None, None)]
)
def test_a_killed_runs_creation_is_taken_over_only_if_it_is_ours(
    sight: Sighting | None, id: str | None
) -> None:
    cloud, state = Cloud({(BUCKET, "data"): sight} if sight else {}), State()
    made = configured(state, cloud, (("cloud", "1.2"),), log_in="log in")
    environment, (plugin,), identify, log_in = state.equipment
    assert (environment, plugin.name, plugin.version) == ({"WHO": "me"}, "cloud", "1.2")
    assert log_in == "log in"
    assert identify(BUCKET, {"name": "data"}) == id
    assert made.marks == OWN
    assert cloud.asked == [OWN]


def test_what_is_not_the_deployments_own_is_told_apart_with_its_settings() -> None:
    """Protected, full and foreign things stay alike; only the last are no work for later."""
    states = [
        resource(BUCKET, "data"),
        {**resource(BLOCK, "block"), "parent": "urn:data"},
        {**resource(BUCKET, "kept"), "protect": True},
        resource(ROLE, "role"),
    ]
    cloud = Cloud({(BUCKET, "data"): theirs("data"), (BUCKET, "kept"): ours("kept")})
    decided = fates(owned(cloud, State(states)), include_protected=False, delete_data=False)
    assert [fate.is_foreign for fate in decided] == [True, True, False, False]
    assert not any(fate.is_hidden for fate in decided)
    assert [part.name for part in foreign(decided)] == ["data"]
    assert [part.name for part in kept(decided)] == ["data", "kept"]


def test_a_foreign_setting_below_what_goes_is_foreign_all_the_same() -> None:
    states = [resource(BUCKET, "data"), {**resource(BLOCK, "block"), "parent": "urn:data"}]
    hidden = Sighting("block", "its block", "may not be seen", hidden=True)
    for strange, is_hidden in ((theirs("block"), False), (hidden, True)):
        cloud = Cloud({(BUCKET, "data"): ours("data"), (BLOCK, "block"): strange})
        decided = fates(owned(cloud, State(states)), include_protected=True, delete_data=True)
        assert [fate.is_foreign for fate in decided] == [False, True]
        assert [fate.is_hidden for fate in decided] == [False, is_hidden]


def test_what_may_not_be_looked_at_may_be_the_deployments_own() -> None:
    states = [resource(BUCKET, "data"), {**resource(BLOCK, "block"), "parent": "urn:data"}]
    hidden = Sighting("data", "bucket data", "another account's, or may not be seen", hidden=True)
    cloud = Cloud({(BUCKET, "data"): hidden})
    decided = fates(owned(cloud, State(states)), include_protected=True, delete_data=True)
    assert [(fate.is_foreign, fate.is_hidden) for fate in decided] == [(True, True)] * 2
