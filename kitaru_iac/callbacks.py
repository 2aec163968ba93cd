"""What a caller may hand in to be told or asked. Defined once, for every operation."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["ConfirmCallback", "ProgressCallback"]

#: Gets one-line messages; an `engine.progress.View` sees every event of the engine too.
ProgressCallback = Callable[[str], None]
#: Asked a yes-or-no question, as before something is downloaded.
ConfirmCallback = Callable[[str], bool]
