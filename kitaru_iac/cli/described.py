"""What the command line says about a stack, however it was read.

Nothing here needs the parser: see `short`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import DescriptionError, UsageError
from kitaru_iac.values import dataclass, field, replace

if TYPE_CHECKING:
    from kitaru_iac.spec import StackSpec
    from kitaru_iac.spec.files import Described

__all__ = ["OF_SEVERAL", "Description", "placed"]

#: The commands that take several descriptions, and so several names.
OF_SEVERAL = ("preview", "apply")


@dataclass(frozen=True, slots=True)
class Description:
    """What the command line says about a stack.

    Attributes:
        flags: By the keys of stack.yaml; None is not given.
        files: YAML files, or ``-`` for stdin, and for some commands folders.
        extra: The ``TARGET.FIELD=VALUE`` texts.
        names: Which of several described stacks are meant; empty: all.
    """

    flags: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, command: str | None, given: Mapping[str, Any]) -> Description:
        """What these parameters say.

        Args:
            command: The name of the command that has them.
            given: By their names; what may come several times is empty where it did not.
        """
        flags = {
            # `async_` is named so because of Python.
            name.removesuffix("_"): None if value in ((), []) else value
            for name, value in given.items()
        }
        files, extra = flags.pop("file", None), flags.pop("extra", None)
        names: tuple[str, ...] = ()
        if command in OF_SEVERAL:
            names = tuple(flags["name"] or ())
            flags["name"] = names[0] if len(names) == 1 else None
        return cls(flags, tuple(files or ()), tuple(extra or ()), names)

    @property
    def file(self) -> str | None:
        """The one file, if there is one.

        Raises:
            UsageError: There are several.
        """
        if len(self.files) > 1:
            raise UsageError(
                f"This command takes one description, and --file is given {len(self.files)} times",
                where="--file",
                remedy="`kitaru stack preview` and `apply` take several.",
            )
        return self.files[0] if self.files else None

    @property
    def given(self) -> list[str]:
        """The flags that were given, as written."""
        names = [
            f"--{key.replace('_', '-')}" for key, value in self.flags.items() if value is not None
        ]
        return names + (["--extra"] if self.extra else [])

    def load(self) -> StackSpec:
        """The validated description.

        Raises:
            DescriptionError: Everything that is wrong with it.
        """
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec import load

        return load(self.flags, self.file, self.extra, description_defaults())

    def placed(self, error: DescriptionError) -> DescriptionError:
        """Give an error that was found later, as in an account, with where each value stands.

        Standard input was read, and cannot be read again: its problems stay without a line.
        """
        if len(self.files) > 1 or all(problem.source for problem in error.problems):
            return error
        from pathlib import Path

        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec.loading import merge

        file = self.file
        if file is not None and not Path(file).is_file():
            return error
        origins = merge(self.flags, file, self.extra, description_defaults()).origins
        return DescriptionError(
            [
                problem
                if problem.source
                else replace(problem, source=origins.of(problem.field) or file)
                for problem in error.problems
            ]
        )

    def several(self, *, as_source: bool = False) -> list[Described] | None:
        """The validated descriptions, where the files hold several; None where it is one.

        Args:
            as_source: Whether the files count as a whole, also where they hold one.

        Raises:
            DescriptionError: Everything that is wrong with any of them.
            UsageError: Flags describe a stack, and there are several; a name that is chosen is
                not described, or several are, where one stack is.
        """
        if as_source and self.names:
            raise UsageError(
                f"Names choose among the described stacks ({', '.join(self.names)}), and "
                "--prune and --source mean all of them",
                where="NAME",
                remedy="Leave the names out.",
            )
        if not self._is_several() and not (as_source and self.files):
            if len(self.names) > 1:
                raise UsageError(
                    f"{len(self.names)} names are given, and at most one stack is described",
                    where="NAME",
                    remedy="Give one name, or the files that describe them all, as `-f stacks/`.",
                )
            return None
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec.files import choose, read_all

        described = read_all(self.files, description_defaults())
        given = [flag for flag in self.given if not (self.names and flag == "--name")]
        if given:
            raise UsageError(
                f"{', '.join(given)} would describe one stack, and the files hold {len(described)}",
                remedy="Leave it out, or give one file.",
            )
        return choose(described, self.names) if self.names else described

    def _is_several(self) -> bool:
        if not self.files:
            return False
        from kitaru_iac.spec.files import is_several

        return is_several(self.files)


@contextmanager
def placed(asked: Description) -> Iterator[None]:
    """Give the errors in a description that are found meanwhile with where each value stands."""
    try:
        yield
    except DescriptionError as error:
        raise asked.placed(error) from error
