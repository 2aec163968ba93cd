"""What a run that died has left of a stack: looked at first, as it will be, and repaired later.

Every operation that writes does so: what it refuses, or is not agreed to, repairs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import KitaruError, StackChanged
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import writer_if_free
from kitaru_iac.records import recovery
from kitaru_iac.records.stored import Store

if TYPE_CHECKING:
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.plan.model import Step
    from kitaru_iac.records.recovery import Repair

__all__ = ["Mending"]


class Mending:
    """A store as it is once what a dead run left of one stack is repaired.

    Args:
        store: The store, which is looked at for all that carries the stack's name.
        name: The name.
        alone: Whether the lock of the name is held. Else nothing is said of a run that is at work.
        to_make: Whether a stack of that name is made or changed next; see `recovery.recover`.

    Attributes:
        store: From which to read; to which to write, once `mend` was called.
        repair: What `mend` does; None where nothing is to be done.

    Raises:
        AlreadyExistsError: Another process seems to be replacing the stack at this moment.
        StackChanged: Another process has repaired or finished it meanwhile.
    """

    def __init__(
        self, store: Store, name: str, *, alone: bool = True, to_make: bool = False
    ) -> None:
        self._real = self.store = store
        self._name = name
        self._to_make = to_make
        self._is_done = False
        self.repair: Repair | None = None
        store.look_at(name, alone=alone)
        if not recovery.is_needed(store, name):
            return
        with nullcontext(True) if alone else writer_if_free(name) as is_free:
            if is_free:
                store.look_at(name)  # what was seen before may have been under way
                self.store, self.repair = self._rehearsed(settles=alone)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What `mend` does, for a plan."""
        return () if self.repair is None else self.repair.steps

    def said(self) -> tuple[KitaruWarning, ...]:
        """Give the warning that something was repaired, where something was."""
        return () if self.repair is None else self.repair.said(self._name)

    def mend(self, progress: ProgressCallback | None = None) -> Store:
        """Repair it. Needs the lock of the name.

        Returns:
            The store, to write to; it is looked at anew where something was repaired.

        Raises:
            StackChanged: Another process has repaired or finished it meanwhile.
            WorkInterrupted: Ctrl-C was pressed meanwhile; the repair was done nevertheless.
        """
        if self.repair is not None and not self._is_done:
            from kitaru_iac.connection.activation import take_place

            if progress:
                progress(f"Repairing what a run that died has left of stack {self._name}")
            self._real.look_at(self._name)
            if self._rehearsed()[1] != self.repair:
                raise StackChanged(
                    f"Stack '{self._name}' was changed by somebody else meanwhile; "
                    "nothing was repaired",
                    remedy="Run the same command again: it starts from what is there now.",
                )
            recovery.recover(self._real, self._name, take_place, to_make=self._to_make)
            self._is_done = True
            self._real.look_at(self._name)
            self.store = self._real
        return self.store

    def _rehearsed(self, *, settles: bool = True) -> tuple[Store, Repair | None]:
        return recovery.rehearse(self._real, self._name, to_make=self._to_make, settles=settles)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say with an error, and with an interrupt, that the repair was made before."""
        try:
            yield
        except WorkInterrupted:
            raise
        except KeyboardInterrupt as pressed:
            if not self._is_done:
                raise
            raise WorkInterrupted(
                f"Interrupted; what a run that died had left of stack '{self._name}' is repaired",
                remedy=f"See what else was done: kitaru stack show {self._name}",
            ) from pressed
        except KitaruError as error:
            if self._is_done:
                error.why = "\n".join(filter(None, [error.why, *map(str, self.said())]))
            raise
