"""What a store holds for a stack, as records: found, read, and who uses what.

Everything here reads. Writing is `records.apply`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from kitaru_iac.errors import NotFoundError, StackChanged, StackNotFound, UsageError
from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    OrphanedSecret,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.gateway.errors import may_not_read
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.lookup import (
    PREFIX_MATCHES,
    choose,
    id_prefix,
    may_be_name,
    not_found,
)
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.gateway.secret_names import secret_part
from kitaru_iac.labels import ASIDE_LABEL, ORPHANED_LABEL, REUSED_CONNECTORS_LABEL, is_managed
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.unfinished import Unfinished
from kitaru_iac.records.from_documents import (
    component_record,
    connector_record,
    links,
    records_from,
)
from kitaru_iac.records.model import (
    REMOVED_WITH_STACK,
    ComponentRecord,
    ConnectorRecord,
    Records,
)
from kitaru_iac.records.names import REPLACED, final_name, temporary_name
from kitaru_iac.records.shared_looks import kept_look
from kitaru_iac.records.snapshot import Snapshot, how_to_see, take_snapshot
from kitaru_iac.values import replace

__all__ = ["STALE_AFTER", "Store"]

#: Seconds after which an unfinished registration on a server counts as dead.
STALE_AFTER = 60.0
#: So many names are compared when a stack is not found and a near name is looked for.
_COMPARED = 200


class Store:
    """What a ZenML store holds, read through its gateway."""

    def __init__(self, gateway: Gateway, shared: Snapshot | None = None) -> None:
        self.gateway = gateway
        #: What a look for several stacks saw; only what writes nothing goes by it.
        self._shared = shared
        self._snapshot: Snapshot | None = None
        #: What a run of this machine has left undone, as far as it is known to be dead.
        self.dead_run: Unfinished | None = None

    @classmethod
    def open(cls) -> Store:
        """Connect as ZenML's own configuration says; or take what `shared_looks` keeps.

        Raises:
            NotConnectedError: No store answers.
            NotAllowedError: The login is not accepted.
        """
        kept = kept_look()
        return cls(open_gateway()) if kept is None else cls(kept.gateway, kept.seen)

    @property
    def is_local(self) -> bool:
        """Whether this very process owns the store (a file, not a server)."""
        return self.gateway.place.kind == "local"

    @property
    def place(self) -> StorePlace:
        """Where the store is, and which."""
        return self.gateway.place

    @property
    def url(self) -> str:
        """Where the store is, without a password."""
        return self.gateway.place.url

    # -- finding ---------------------------------------------------------------------------------

    def look(self, *names: str) -> None:
        """Ask once for all that carries these names; `forget` before it may have changed."""
        self._snapshot = take_snapshot(self.gateway, *names)

    def look_at(self, stack: str, *, alone: bool = True) -> None:
        """Ask once for all that carries a stack's name, or one that it has for a while.

        Args:
            stack: The name.
            alone: Whether the lock of the name is held: a run that is noted is then dead.
        """
        self.dead_run = unfinished.find(self.place, stack) if alone else None
        if not alone and self._shared is not None and stack in self._shared.names:
            self._snapshot = self._shared
            return
        token = self.dead_run.token if self.dead_run else None
        names = [stack, stack + REPLACED]
        self.look(*names, *([temporary_name(stack, token)] if token else []))

    def rehearsal(self, gateway: Gateway) -> Store:
        """The same store, with what was seen of it, through another gateway."""
        twin = Store(gateway)
        twin._snapshot, twin.dead_run = self._snapshot, self.dead_run
        return twin

    def note_dead_run(self, stack: str) -> None:
        """Learn what a run of this machine left undone. Needs the lock of the name."""
        self.dead_run = unfinished.find(self.place, stack)

    def forget(self) -> None:
        """From here on the store is asked again."""
        self._snapshot = None

    def _seen(self, name: str) -> Snapshot | None:
        seen = self._snapshot
        return seen if seen is not None and name in seen.names else None

    def stack_named(self, name: str) -> StackDoc | None:
        """The stack of exactly this name."""
        if (seen := self._seen(name)) is not None:
            return seen.stacks.get(name)
        return next(iter(self.gateway.stacks(Where(names=(name,), limit=1))), None)

    def find(self, ref: str, *, exact: bool = False) -> StackDoc | None:
        """The stack that is meant by a name, an id, or the beginning of an id; None if none is.

        Args:
            ref: What was written; `gateway.lookup` says what it means.
            exact: Whether only a whole name or id counts, as where a program wrote it.

        Raises:
            UsageError: It is the beginning of several ids.
        """
        if not may_be_name(ref):
            return None
        if (named := self.stack_named(ref)) is not None:
            return named
        if exact and canonical_id(ref) is None:
            return None
        if (prefix := id_prefix(ref)) is None:
            return None
        return choose(ref, self.gateway.stacks(Where(id_prefix=prefix, limit=PREFIX_MATCHES)))

    def require(self, ref: str) -> StackDoc:
        """Like :meth:`find`, but a missing stack is an error with the nearest name."""
        found = self.find(ref)
        if found is None:
            raise self.not_found(ref)
        return found

    def not_found(self, ref: str) -> StackNotFound:
        """The error for a stack that does not exist."""
        return not_found(
            ref, lambda: [stack.name for stack in self.gateway.stacks(Where(limit=_COMPARED))]
        )

    # -- reading records -------------------------------------------------------------------------

    def read(self, name: str, *, secrets: bool = False) -> Records | None:
        """What is stored for one stack.

        Args:
            name: Its name. A description means no other stack, whatever ids there are.
            secrets: Whether to read the connector's secrets too, to compare them.
        """
        stack = self.stack_named(name)
        return None if stack is None else self.records_of(stack, secrets=secrets)

    def records_of(self, stack: StackDoc, *, secrets: bool = False) -> Records:
        """The records of a stack that was found.

        Raises:
            NotAllowedError: Parts of it may not be read.
            StackChanged: Its connector is gone.
        """
        docs = self._members(stack)
        self._require_given(stack, docs)
        linked = self._link_of(stack, docs)
        connector = None
        if linked is not None:
            reused = REUSED_CONNECTORS_LABEL in stack.labels
            connector = self._linked(stack.name, linked, secrets=secrets, reused=reused)
        return records_from(stack, docs, connector)

    def _link_of(self, stack: StackDoc, docs: Mapping[str, ComponentDoc]) -> str | None:
        """The id of a stack's connector: of several its own counts, else the first."""
        found = links(stack, docs)
        if len(found) > 1 and (own := self._connector_named(stack.name)) is not None:
            if own.id in found and is_managed(own.labels):
                return own.id
        return next(iter(found), None)

    def _members(self, stack: StackDoc) -> dict[str, ComponentDoc]:
        """The components of a stack by their ids: those that were seen, or one listing."""
        seen = self._seen(stack.name)
        if seen is not None and seen.stacks.get(stack.name) == stack:
            known = seen.members(stack)
            if known is not None:
                return known
        return {doc.id: doc for doc in self.gateway.components(Where(in_stack=stack.id))}

    def _require_given(self, stack: StackDoc, docs: Mapping[str, ComponentDoc]) -> None:
        """See that what was not given of a stack is gone: a server leaves out what is hidden."""
        if all(member.id in docs for of in stack.members.values() for member in of):
            return
        hidden = [
            f"{kind.replace('_', ' ')} {member.name}"
            for now in self.gateway.stacks(Where(ids=(stack.id,)))
            for kind, of in now.members.items()
            for member in of
            if member.id not in docs and stack.holds(member.id)
        ]
        if hidden:
            raise may_not_read(stack.name, hidden)

    def connector(
        self, ref: str, *, secrets: bool = False, reused: bool = False
    ) -> ConnectorRecord:
        """The record of a service connector.

        Args:
            ref: Its name or id.
            secrets: Whether to read its secrets too.
            reused: Whether it was there before the stack that uses it.

        Raises:
            NotFoundError: There is none of this name or id.
        """
        doc = self._connector_doc(ref, secrets=secrets)
        if doc is None:
            raise NotFoundError(
                f"No service connector has the name or id '{ref}'",
                remedy="See them with: zenml service-connector list",
            )
        return connector_record(doc, reused=reused)

    def _linked(
        self, stack: str, id: str, *, secrets: bool, reused: bool = False
    ) -> ConnectorRecord:
        """A connector that was there a moment ago."""
        doc = self._connector_doc(id, secrets=secrets)
        if doc is None and self.gateway.components(Where(uses_connector=id, limit=1)):
            raise may_not_read(stack, [f"service connector {id}"])
        if doc is None:
            raise StackChanged(
                f"Stack '{stack}' was changed by somebody else while it was read",
                differs=["service connector: it is gone"],
                remedy=f"Nothing was written. {how_to_see(self.gateway, stack)}",
            )
        return connector_record(doc, reused=reused)

    def _connector_doc(self, ref: str, *, secrets: bool) -> ConnectorDoc | None:
        uuid = canonical_id(ref)
        if uuid is None:
            named = self._connector_named(ref)
            if named is None or not secrets:
                return named
            uuid = named.id
        seen = self._snapshot
        if seen is not None and (known := seen.whole.get(uuid)) is not None:
            return known if secrets else replace(known, secrets={})
        if secrets:
            return self.gateway.connector_with_secrets(uuid)
        return next(iter(self.gateway.connectors(Where(ids=(uuid,)))), None)

    def _connector_named(self, name: str) -> ConnectorDoc | None:
        if (seen := self._seen(name)) is not None:
            return seen.connectors.get(name)
        return next(iter(self.gateway.connectors(Where(names=(name,), limit=1))), None)

    # -- who uses what ---------------------------------------------------------------------------

    def components_named(self, name: str) -> dict[str, ComponentRecord]:
        """The components of this name by their type, in a stack or not."""
        found = self._components_named(name)
        return {kind: component_record(component) for kind, component in found.items()}

    def _components_named(self, name: str) -> Mapping[str, ComponentDoc]:
        if (seen := self._seen(name)) is not None:
            return seen.components[name]
        # A name is taken once for each type: one listing holds them all.
        return {doc.type: doc for doc in self.gateway.components(Where(names=(name,)))}

    def connector_named(self, name: str, *, secrets: bool = False) -> ConnectorRecord | None:
        """The service connector of this name."""
        named = self._connector_named(name)
        if named is not None and secrets:
            named = self.gateway.connector_with_secrets(named.id)
        return None if named is None else connector_record(named)

    def stacks_of(self, component_id: str) -> list[str]:
        """The names of the stacks that contain a component."""
        return sorted(doc.name for doc in self.gateway.stacks(Where(uses_component=component_id)))

    def components_of(self, connector_id: str) -> list[ComponentRecord]:
        """The components that reach their resource through a connector."""
        docs = self.gateway.components(Where(uses_connector=connector_id))
        return [component_record(doc) for doc in docs]

    def orphans(self, stack: str, *, secrets: bool = False, fresh: bool = False) -> Records:
        """Managed parts that carry a stack's name, are in no stack, and that nobody is writing.

        `kitaru stack delete` without ``--recursive`` leaves them, and so does a process that was
        killed: a new stack of that name takes them over.

        Args:
            stack: The name.
            secrets: Whether to read the connector's secrets too.
            fresh: Also what a registration may be making at this moment.
        """
        components = []
        named = self._components_named(stack)
        for kind in REMOVED_WITH_STACK:
            found = named.get(kind)
            if found is None or not is_managed(found.labels):
                continue
            if self._is_held(stack, found.id) or not (fresh or self.is_stale(found)):
                continue
            components.append(component_record(found))
        connector = None
        stored = self._connector_named(stack)
        if (
            stored is not None
            and is_managed(stored.labels)
            and (fresh or self.is_stale(stored))
            and not self._is_linked_in(stack, stored.id)
            and {c.id for c in self.components_of(stored.id)} <= {c.id for c in components}
        ):
            connector = self._linked(stack, stored.id, secrets=secrets)
        return Records(stack, "custom", tuple(components), connector=connector)

    def _is_linked_in(self, name: str, connector_id: str) -> bool:
        """Whether the stack of this name is known to use a connector, without asking."""
        seen = self._seen(name)
        if seen is None:
            return False
        linked = [d.id for d in seen.components[name].values() if d.connector_id == connector_id]
        return any(seen.holds(component) for component in linked)

    def _is_held(self, name: str, component_id: str) -> bool:
        seen = self._seen(name)
        if seen is not None and seen.holds(component_id):
            return True
        return bool(self.stacks_of(component_id))

    def is_stale(self, stored: StackDoc | ComponentDoc | ConnectorDoc) -> bool:
        """Whether what is stored unfinished was left by a dead process, and is nobody's work now.

        A local store has one writer for a name (`machine.locks`). On a server a deletion marks what
        it leaves; what a dead process left shows by its age.
        """
        return self.seconds_until_stale(stored) == 0

    def seconds_until_stale(self, stored: StackDoc | ComponentDoc | ConnectorDoc) -> int:
        """In how many seconds what is stored unfinished counts as dead; 0: it does."""
        if self.gateway.place.is_on_this_machine:
            return 0
        if stored.labels.get(ORPHANED_LABEL) == "true":
            return 0
        dead = self.dead_run
        if dead is not None and dead.age < STALE_AFTER and _is_of(stored.name, dead.stack):
            return 0
        age = (self.gateway.now() - stored.updated).total_seconds()
        if age > STALE_AFTER:
            return 0
        # No longer than that: what is dated later tells that two clocks differ, and no more.
        return min(max(math.ceil(STALE_AFTER - age), 1), math.ceil(STALE_AFTER))

    def is_aside(self, labels: Mapping[str, str], stack: str) -> bool:
        """Whether a run set something aside that is called ``STACK-replaced``, by its labels.

        Runs of earlier releases wrote no mark: there their note on this machine tells.
        """
        dead = self.dead_run
        is_earlier = dead is not None and dead.stack == stack and dead.sets_aside_unmarked
        return is_managed(labels) and (is_earlier or labels.get(ASIDE_LABEL) == stack)

    def seconds_until_aside_stale(self, stack: str) -> int:
        """In how many seconds what was set aside of a stack counts as dead."""
        name = stack + REPLACED
        found, link = self.stack_named(name), self._connector_named(name)
        docs: list[StackDoc | ComponentDoc | ConnectorDoc] = [
            *self._components_named(name).values()
        ]
        docs += [doc for doc in (found, link) if doc is not None]
        aside = [doc for doc in docs if self.is_aside(doc.labels, stack)]
        return max(map(self.seconds_until_stale, aside), default=0)

    def wait_for(self, name: str) -> int:
        """Seconds until what another's run has of this name counts as dead.

        0: there is nothing of that kind.
        """
        young = [
            doc
            for doc in self._components_named(name).values()
            if is_managed(doc.labels) and not self._is_held(name, doc.id)
        ]
        link = self._connector_named(name)
        linked = [link] if link is not None and is_managed(link.labels) else []
        if link is not None and {c.id for c in self.components_of(link.id)} - {d.id for d in young}:
            linked = []
        docs: list[StackDoc | ComponentDoc | ConnectorDoc] = [*young, *linked]
        stack = self.stack_named(name) if name.endswith(REPLACED) else None
        if stack is not None and is_managed(stack.labels):
            docs.append(stack)
        return max((self.seconds_until_stale(doc) for doc in docs), default=0)

    def orphaned_secrets(self, stack: str) -> list[OrphanedSecret]:
        """The secrets that connectors of a stack left behind, under whatever name they had."""
        found = []
        for secret in self.gateway.orphaned_secrets():
            named = {secret.connector, secret_part(final_name(secret.connector) or "")}
            if secret_part(stack) in named:
                found.append(secret)
        return found

    def resolved(self, desired: Records) -> Records:
        """Desired records whose existing connector, if they name one, is filled from the store.

        Raises:
            NotFoundError: There is no such connector.
            UsageError: It is of another cloud than the stack.
        """
        wanted = desired.connector
        if wanted is None or not wanted.existing:
            return desired
        stored = self.connector(wanted.name, reused=True)
        if stored.type != wanted.type:
            raise UsageError(
                f"The connector '{stored.name}' is of type {stored.type}",
                where="--connector",
                why=f"This stack's artifact store and registry need one of type {wanted.type}.",
                remedy="See them with: zenml service-connector list",
            )
        return replace(desired, connector=stored)


def _is_of(name: str, stack: str) -> bool:
    return name in {stack, stack + REPLACED} or final_name(name) == stack
