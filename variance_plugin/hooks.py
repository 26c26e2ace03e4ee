"""Where plugin and host meet: PostHog's plugin hooks in Python. No behaviour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from logging import Logger
from typing import Any, Protocol

from .clock import Clock
from .errors import RetryError
from .events import Event

__all__ = ["Event", "Metrics", "MinimalMeta", "Plugin", "PluginMeta", "Rejection", "RetryError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An event that can never be delivered, and why; it belongs into the host's dead letters."""

    event: Event
    reason: str
    """In words, 1,024 characters at most; holds no secret, but may quote what the destination answered."""
    message: bytes | None = None
    """The JSON of the message that was refused; None when none could be made."""
    status: int | None = None
    """The HTTP status of the refusal; None when it was never sent."""
    attempts: int = 0


class Metrics(Protocol):
    """Sums that the host keeps for the plugin."""

    def increment(self, name: str, amount: int = 1) -> None:
        """Add to the sum of that name. Called from any thread."""
        ...


class MinimalMeta(Protocol):
    """The least that a host has to tell `VariancePlugin`; `PluginMeta` says how it does without the rest."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The values of the parameters that `plugin.json` declares, as the user gave them."""
        ...


class PluginMeta(MinimalMeta, Protocol):
    """What the host tells the plugin, and hears from it, as PostHog's `meta`.

    A plugin can count on all of it in this project's own host. Elsewhere `VariancePlugin` makes do without
    the attributes that a host's `meta` does not have, or has as None:

    | missing | instead |
    |---|---|
    | `logger` | the logger `variance_plugin` |
    | `metrics` | nothing is counted |
    | `clock` | real time; its waits of a few seconds do not end when the host stops |
    | `reject` | an event that can never be delivered is logged as an error, by its uuid, and is gone |
    """

    @property
    def logger(self) -> Logger:
        """Where the plugin says what an operator has to know."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Where the plugin counts."""
        ...

    @property
    def clock(self) -> Clock:
        """The host's time; a plugin waits on it, so that its waits end when the host stops."""
        ...

    def reject(self, rejection: Rejection) -> None:
        """Set an event aside for good. When it returns, the host keeps the record. Called from any thread."""
        ...


class Plugin(Protocol):
    """A PostHog plugin that exports; every hook gets the `meta` of its host."""

    def setup_plugin(self, meta: PluginMeta) -> None:
        """Called once before any event.

        Raises:
            SettingsError: when the parameters cannot be used.
        """
        ...

    def export_events(self, events: Sequence[Event], meta: PluginMeta) -> None:
        """Deliver a batch. When it returns, every event is delivered, left out by rule, or rejected.

        Called from several threads at once, with the events of one person always in one thread.

        Raises:
            RetryError: when some could not be delivered now; the host calls again with those.
        """
        ...

    def teardown_plugin(self, meta: PluginMeta) -> None:
        """Called once after the last event, also when the set-up failed half-way."""
        ...
