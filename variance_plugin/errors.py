"""Every error of this package, sorted by what the caller does next.

    VarianceError
    ├── UsageError              the person at the keyboard changes something and starts again
    │   ├── SettingsError       … namely these settings, all named at once
    │   ├── StateTaken          … unless the process that has the state file can be asked to do it
    │   └── ApiRefusal          … unless the plugin that asked PostHog's API knows what else to do
    ├── InvalidRecord           the caller sets this one record aside, with the reason, and goes on
    ├── Stopped                 the caller lets go: somebody asked the program to end
    ├── RetryError              the host waits, then calls again with `events`
    └── StateError              the caller keeps what it has, and tries again once an operator made room
        └── SpoolFull           … or the destination has to take some of what is waiting

No foreign exception (requests, msgspec, zlib, …) leaves the module that meets it; each becomes one
of these, chained to its cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class VarianceError(Exception):
    """Base of all errors of this package."""


class UsageError(VarianceError):
    """A mistake of the user; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one setting, in the user's words."""

    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


class SettingsError(UsageError):
    """The settings cannot be used; `faults` holds every reason, not only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class StateTaken(UsageError):
    """Another process owns the state file."""


class ApiRefusal(UsageError):
    """PostHog's API did not do what a plugin asked for, and will not: `status` says why to the plugin."""

    def __init__(self, reason: str, *, status: int | None) -> None:
        super().__init__(reason)
        self.status = status
        """The HTTP status; None when there was no answer."""


class InvalidRecord(VarianceError):
    """A record that is not a PostHog event; `str()` is the reason, for the dead letters."""


class Stopped(VarianceError):
    """A wait ended because the program is shutting down."""


class RetryError(VarianceError):
    """Raised by `export_events` when the destination does not take the events now.

    PostHog's own name for it (`RetryError` of @posthog/plugin-scaffold). The host waits at least
    `retry_after_seconds`, then calls again with `events`.

    Args:
        reason: Why, in words fit for a log line; never a payload or a secret.
        events: What is left, in order, of what was passed in. None means: everything.
        retry_after_seconds: What the destination asked for, in seconds.
        at_fault: Whether a person has to look (a wrong secret, say), since waiting alone will not help.
    """

    def __init__(
        self,
        reason: str,
        *,
        events: Sequence[Any] | None = None,
        retry_after_seconds: float = 0.0,
        at_fault: bool = False,
    ) -> None:
        super().__init__(reason)
        self.at_fault = at_fault
        self.events = None if events is None else tuple(events)
        self.retry_after_seconds = retry_after_seconds


class StateError(VarianceError):
    """The state file could not be written: the disk is full, or broken. Nothing is half written."""


class SpoolFull(StateError):
    """There is no room for more records until some of those that wait are delivered."""
