"""The plugin and its host in this process, with real sockets and a clock on which no wait takes time."""

import logging
from collections.abc import Sequence
from typing import Any

from variance_plugin import Event, RetryError, VariancePlugin
from variance_plugin.receiver import LocalVariance
from variance_plugin.runtime import LoadedPlugin, lone_host
from variance_plugin.settings import manifest
from variance_plugin.testing import FakeClock, InMemoryDeadLetters, InMemoryMeta, make_event, running


def config_for(url: str, **more: Any) -> dict[str, Any]:
    """What the plugin needs to send to a Variance on this machine, and more."""
    return {"webhookUrl": url, "allowedHosts": "127.0.0.1", "authHeader": "Bearer demo-token", **more}


def export(url: str, count: int = 1, **config: Any) -> InMemoryMeta:
    """Export events, in one call without quick retries; a failure is for the assertions."""
    meta = InMemoryMeta(config_for(url, **{"retrySeconds": "0", **config}))
    with running(VariancePlugin(), meta) as plugin:
        try:
            plugin.export_events([make_event(number=number) for number in range(count)], meta)
        except RetryError as error:
            meta.metrics.increment(f"failure.{error}")
    return meta


class Runner:
    """The host as the command line makes it, but for its time."""

    def __init__(self, variance: LocalVariance, **config: Any) -> None:
        self.clock = FakeClock()
        self.dead_letters = InMemoryDeadLetters()
        self.host = lone_host(
            LoadedPlugin.of(VariancePlugin(), manifest()),
            config_for(variance.url, **config),
            clock=self.clock,
            dead_letters=self.dead_letters,
            logger=logging.getLogger("host"),
        )

    def run(self, events: Sequence[Event]) -> None:
        """Export them all."""
        self.host.start()
        for event in events:
            self.host.offer(event, 300)
        assert self.host.finish()
        assert (None, 0) == (self.host.failure, self.host.left)
