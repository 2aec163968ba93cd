"""What a cloud offers: the interface that every folder here fills, and nothing else knows a cloud.

A cloud always says what ZenML should store for a stack on it (`desired`). The rest comes in two
parts, each whole or not there yet: `Verification` and `Provisioning`. `clouds.registry` finds a
cloud, and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.records.model import Records
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.model import BaseSpec, StackSpec
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from kitaru_iac.checks.kubernetes_api import KubernetesApi

__all__ = [
    "Account",
    "Build",
    "ChecksFor",
    "Claim",
    "CloudProvider",
    "Component",
    "Inputs",
    "Marked",
    "NewNamespace",
    "PolicyDocuments",
    "ProvisionModule",
    "Provisioning",
    "Sighting",
    "Target",
    "Verification",
    "marks",
]

#: The inputs of a resource as Pulumi's state holds them.
Inputs = Mapping[str, object]
#: A policy in the cloud's own form, by the name of the identity that it is for.
PolicyDocuments = Mapping[str, Mapping[str, object]]


# -- ownership -------------------------------------------------------------------------------------


def marks(project: str, deployment: str, stack: str | None = None) -> dict[str, str]:
    """Name the tags by which everything that is made is known as a deployment's own.

    Args:
        project: The deployment's Pulumi project.
        deployment: Its Pulumi stack.
        stack: The name of the stack that it is for; the command calls both alike.
    """
    return {
        "managed-by": "kitaru-iac",
        "kitaru-stack": stack or deployment,
        "pulumi-project": project,
        "pulumi-stack": deployment,
    }


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that a program takes in the cloud.

    Attributes:
        type: The resource's type in Pulumi.
        inputs: Those of its inputs that name it.
    """

    type: str
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class Sighting:
    """What exists in the cloud under a name.

    Attributes:
        id: Its id in Pulumi's state.
        name: What it is, in words: ``bucket team-data``.
        foreign: Why it is not the deployment's; None if it is.
        hidden: Whether it may be the deployment's in spite of that: it could not be looked at.
        locked: Which setting of its own makes the cloud refuse to delete it; None if none does.
        removal: The command that deletes it while it holds nothing, and is refused otherwise;
            where it may have been made without its marks by a run that was cut off.
        origin: The command that shows who made it; where there is a `removal`.
    """

    id: str
    name: str
    foreign: str | None = None
    hidden: bool = False
    locked: str | None = None
    removal: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """What in an account carries a deployment's marks.

    Attributes:
        found: What exists, and is the deployment's own.
        unseen: Why there may be more of it: which questions were not answered.
    """

    found: tuple[Sighting, ...] = ()
    unseen: tuple[str, ...] = ()


class Account(Protocol):
    """The account (project, subscription) behind some credentials."""

    @property
    def place(self) -> Mapping[str, str]:
        """Say which it is, in words that tell it from others: ``{"account": …, "region": …}``."""

    def environment(self) -> dict[str, str]:
        """Give the variables that let the engine's plugins be the same identity."""

    def sight(self, type: str, inputs: Inputs, marks: Mapping[str, str]) -> Sighting | None:
        """Look up what the cloud has under a resource's name, and whether it has these marks."""

    def marked(self, marks: Mapping[str, str]) -> Marked:
        """Look for everything that has these marks, whether or not a state knows it."""

    def holds(self, type: str, id: str) -> str | None:
        """Say what a stateful resource still holds; None if it is empty or gone."""

    def others_in(self, type: str, id: str) -> str | None:
        """Say what others have in a resource and would lose with it; None if nothing.

        It stays for that, whatever is agreed to.
        """

    def empty(self, type: str, id: str) -> None:
        """Delete what a stateful resource holds, for good."""


# -- provisioning ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewNamespace:
    """The namespace of a stack's pods, to be there in the cluster that is made for the stack.

    Attributes:
        name: What it is called.
        cluster: The cluster, as its cloud calls it.
        api: Gives the API of that cluster, with fresh credentials. Raises `ProbeError`.
        by_hand: The command that makes it.
    """

    name: str
    cluster: str
    api: Callable[[], KubernetesApi]
    by_hand: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be made for one description.

    Attributes:
        account: Where.
        program: Pulumi's inline program.
        plugins: The provider plugins that it needs, as name and version.
        outputs: What its outputs will be: all names are known beforehand.
        claims: The names that it takes.
        names: The cloud's names for what the program calls otherwise.
        makes_anything: Whether anything is made, or all exists.
        notes: What somebody has to know who makes it, one line each.
        passing: Says of a failure, in the words of the cloud's provider, for what the cloud needs
            time, as ``Google makes the account``; None where trying again does not help.
        late: Says after a run for what the cloud still needs time before the stack can be
            registered; None where there is nothing to wait for.
        namespace: What is to be in the cluster that is made; None where no cluster is, or where
            every cluster has it.
    """

    account: Account
    program: Callable[[], None]
    plugins: tuple[tuple[str, str], ...]
    outputs: Mapping[str, str | None]
    makes_anything: bool
    claims: tuple[Claim, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    passing: Callable[[str], str | None] | None = None
    late: Callable[[], str | None] | None = None
    namespace: NewNamespace | None = None

    @property
    def place(self) -> Mapping[str, str]:
        """Say where it is, as `Account.place`."""
        return self.account.place


@dataclass(frozen=True, slots=True)
class Component:
    """The component resource that makes a cloud's infrastructure in a Pulumi program.

    Attributes:
        token: Its type, as ``kitaru:aws:Infrastructure``.
        arguments: The typed dictionary of its arguments, each with a text under it.
        outputs: Its outputs: keys of a description.
        always: Those of them that are never empty.
        types: The stack types that it is made for.
    """

    token: str
    arguments: type
    outputs: tuple[str, ...]
    always: tuple[str, ...]
    types: tuple[StackType, ...]

    @property
    def text(self) -> str:
        """What the package's schema says of it."""
        cloud = Cloud(self.token.split(":")[1])
        return (
            f"The infrastructure of one stack on {cloud.label}, named part by part: what is called "
            "`new…` is made, the rest is used. ProvisionedStack names it all from a description, "
            f"and registers the stack too. Running programs need the {cloud.label} packages beside "
            f"the plugin: `pip install 'kitaru-iac[{cloud.value}]'`."
        )


class ProvisionModule(Protocol):
    """What a cloud's module `provision.target` offers."""

    def plugins(self) -> tuple[tuple[str, str], ...]:
        """Give the provider plugins, as name and version.

        Raises:
            MissingPackages: The cloud's packages are not installed.
        """

    def target(self, spec: StackSpec) -> Target:
        """Say what is made for a description.

        Raises:
            DescriptionError: It cannot be made as described.
            MissingPackages: The cloud's packages are not installed.
            NotAllowedError: There are no usable credentials.
        """

    def used(self, spec: StackSpec) -> frozenset[str]:
        """Say which resources, as ``resources`` calls them, are named and not made.

        Raises:
            DescriptionError: It cannot be made as described.
            MissingPackages: The cloud's packages are not installed.
            NotAllowedError: There are no usable credentials.
        """

    def account_of(self, credentials: Credentials | None, inputs: Inputs) -> Account:
        """Open the account of some credentials, in the region of a deployment's provider.

        Whether it is that provider's account too is not asked.

        Args:
            credentials: Whose account; None for those of this machine.
            inputs: The provider's, as the state has them.

        Raises:
            NotAllowedError: There are no usable credentials.
        """

    def account_for(self, spec: StackSpec) -> Account:
        """Open the account that a description's infrastructure would be in.

        Raises:
            DescriptionError: It lacks what says where that is.
            NotAllowedError: There are no usable credentials.
        """

    def place_of(self, inputs: Inputs) -> Mapping[str, str]:
        """Say where a provider of a deployment's state is, as `Account.place`."""

    def told_by(self, spec: StackSpec) -> Mapping[str, frozenset[str]]:
        """Say what a stack's record tells of where it was made, for a state that is lost.

        Returns:
            By those keys of `Account.place` that `account_for` takes from credentials where the
            record does not tell them: all that it names. What it always tells is left out.
        """


#: Makes a component in a running Pulumi program, from its name, its arguments or a description,
#: and Pulumi's options; what comes back is Pulumi's resource.
Build = Callable[[str, Inputs | StackSpec, object], object]


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What making and ending the infrastructure of a stack needs of a cloud.

    Attributes:
        pulumi_provider: The name of its provider in Pulumi, as in ``pulumi:providers:NAME``.
        load: Imports what provisions. Imports neither Pulumi nor the cloud's SDK by that.
        component: The same for programs, described.
        builder: Imports that component, with Pulumi and the cloud's SDK.
        unchanged: The types in Pulumi, or single resources as ``TYPE::NAME``, whose deletion
            changes nothing in the cloud: they only leave the state, and are not told as deleted.
        inside: The types in Pulumi of what lies in its parent, and goes with it at the latest, or
            keeps it from being deleted: no settings of it, though they share its fate.
        named: The type in Pulumi of what each key of a description names.
        beside: The types in Pulumi of what else a reader looks for afterwards, as roles and
            networks, with a word for it.
        provisioner: Whose credentials make what a description wants; None for this process's own.
    """

    pulumi_provider: str
    load: Callable[[], ProvisionModule]
    component: Component
    builder: Callable[[], Build]
    unchanged: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()
    named: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    provisioner: Callable[[StackSpec], Credentials | None] = field(
        default=lambda spec: spec.credentials
    )

    def build(self, name: str, given: Inputs | StackSpec, options: object) -> object:
        """Make the component in a running Pulumi program, and give Pulumi's resource.

        Args:
            name: The component's name in the program.
            given: Its arguments; or a description, from which they follow.
            options: Pulumi's options.

        Raises:
            MissingPackages: The cloud's packages are not installed.
            pulumi.RunError: It cannot be made as described.
        """
        self.load().plugins()  # says how to get the SDK where it is missing
        return self.builder()(name, given, options)


# -- verification ----------------------------------------------------------------------------------


class ChecksFor(Protocol):
    """Gives the checks that apply to a description."""

    def __call__(
        self, spec: BaseSpec, *, timeout: float, identity: str | None, server: str | None
    ) -> Sequence[Check[object]]:
        """Give the checks, in the order in which they are shown; nothing is asked yet.

        Args:
            spec: The description. What it wants created or skipped is not checked.
            timeout: Seconds that one answer of the cloud may take.
            identity: Who the connector is, in the cloud's own form, where the description does not
                tell it.
            server: The address of the server that stores the stack, whose own identity an implicit
                connector then is; None where a store on this machine does.

        Raises:
            MissingPackages: The cloud's packages are not installed.
        """


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking the infrastructure of a stack needs of a cloud.

    Attributes:
        catalog: Every check there is, in the order in which they are shown.
        checks: Those of a description.
        policies: The exact permissions that each identity of a stack needs; no SDK is needed.
        trusts: Who may become each role that the stack has.
    """

    catalog: Callable[[], Sequence[CheckInfo]]
    checks: ChecksFor
    policies: Callable[[BaseSpec], PolicyDocuments]
    trusts: Callable[[BaseSpec], PolicyDocuments]


# -- the cloud -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudProvider:
    """A cloud. Making one imports no SDK and no Pulumi: its functions do, when they are called.

    Attributes:
        cloud: Which.
        desired: What ZenML should store for a stack on it. Raises `DescriptionError`.
        log_in: The command that logs this machine in, as a remedy; None where there is no such.
        verification: None where it cannot be checked yet.
        provisioning: None where nothing can be made yet.
    """

    cloud: Cloud
    desired: Callable[[StackSpec], Records]
    log_in: str | None = None
    verification: Verification | None = None
    provisioning: Provisioning | None = None
