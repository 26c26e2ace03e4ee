"""One plugin in its host: its hooks, each within its limit, and what becomes of it when they fail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle, repeat
from typing import Any, TypeAlias

from ..errors import RetryError, SettingsError, Stopped, UsageError
from ..plurals import many
from ..turns import Turns
from .calls import Calls, HookTimeout
from .loading import Hook, LoadedPlugin
from .meta.host_meta import HostMeta
from .tally import Tally
from .watching.counts import Counts
from .watching.histogram import Histogram

# PostHog's own figures for `setupPlugin` (plugin-server, `retries.ts`): 5 tries, 5 s, doubled each time.
_SET_UP_TRIES = 5
_FIRST_WAIT_SECONDS = 5.0
# Calls of `process_event`, of which there are tens of thousands a second.
_MEASURED_EVERY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """How much a plugin may take before the host steps in."""

    hook_timeout_seconds: float = 30.0
    export_timeout_seconds: float = 600.0
    """Of `export_events`, which waits for others."""
    failures_until_disabled: int = 100
    """In a row, of one hook."""


FaultReport: TypeAlias = Callable[[str, str, Exception], None]
"""Told the plugin, the hook and what it raised; called from any thread, and must not raise."""


class HostedPlugin:
    """A plugin with its `meta`. A hook that fails hurts its own plugin alone.

    Args:
        loaded: The plugin.
        meta: What it gets with every call.
        counts: What the host counts for it, with what it counts itself.
        tally: What becomes of its events; None when it counts that itself.
        calls: The host's.
        limits: The host's.
        report: Told of each failure, beside the log.
    """

    def __init__(  # noqa: PLR0913 -- it stands where all of them meet
        self,
        loaded: LoadedPlugin,
        meta: HostMeta,
        *,
        counts: Counts,
        tally: Tally | None,
        calls: Calls,
        limits: HookLimits,
        report: FaultReport,
    ) -> None:
        self.loaded = loaded
        self.name = loaded.name
        self.hooks = loaded.hooks
        self.meta = meta
        self.counts = counts
        self.tally = tally
        self.off: str | None = None
        """Why it was switched off; its hooks are not called any more then, but for the last."""
        self._calls = calls
        self._limits = limits
        self._report = report
        self.hook_seconds = {hook.name: Histogram.of("hook_seconds") for hook in loaded.functions}
        """How long its hooks and jobs took, by name."""
        self._failures: dict[str, int] = {}
        # A hook that sees every event may fail with every event, between others that go well.
        self._turns = Turns(meta.clock)
        self._torn_down = False

    def set_up(self) -> None:
        """Call `setup_plugin`; one that says `RetryError` is tried again, one that fails is switched off.

        Raises:
            UsageError: When the plugin does not take its configuration.
            Stopped: When the host ends first.
        """
        hook = self.hooks.setup_plugin
        if hook is None:
            return
        waits = self._set_up_waits()
        while True:
            try:
                self.call(hook, self.meta)
            except (SettingsError, Stopped):
                raise
            except UsageError as error:
                raise UsageError(f"the plugin {self.name}: {error}") from error
            except RetryError as error:
                wait_seconds = next(waits, None)
                if wait_seconds is None:
                    self.switch_off(f"setup_plugin asked {_SET_UP_TRIES} times to be tried again: {error}")
                    return
                self.meta.logger.warning("setup_plugin is tried again in %.0f s: %s", wait_seconds, error)
                self.meta.clock.wait(wait_seconds)
            except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
                self.tell(hook, error)
                self.switch_off(f"setup_plugin failed: {_text(error)}")
                return
            else:
                return

    def tear_down(self) -> None:
        """Call `teardown_plugin`, once."""
        if self._torn_down:
            return
        self._torn_down = True
        if self.hooks.teardown_plugin is not None:
            self.attempt(self.hooks.teardown_plugin, self.meta)

    def call(self, hook: Hook, *args: Any) -> Any:
        """What the hook returns.

        Raises:
            HookTimeout: When it takes too long.
            Exception: Whatever the hook raises.
        """
        clock = self.meta.clock
        began = clock.monotonic()
        try:
            return self._caller(hook)(*args)
        finally:
            self.hook_seconds[hook.name].observe(clock.monotonic() - began)

    def callers(self, hook: Hook) -> Iterator[Callable[..., Any]]:
        """Without end, a function for each call of that hook, for who calls it with every event.

        They do as `call` does, but only the time of some is taken: that of all would cost more than many a
        hook. From one thread at a time.
        """
        return cycle([partial(self.call, hook), *repeat(self._caller(hook), _MEASURED_EVERY - 1)])

    def _caller(self, hook: Hook) -> Callable[..., Any]:
        export = hook is self.hooks.export_events
        limit = self._limits.export_timeout_seconds if export else self._limits.hook_timeout_seconds
        if hook.is_async:
            return partial(self._calls.call_async, hook.function, limit_seconds=limit)
        return self._calls.caller(hook.function, limit)

    def attempt(self, hook: Hook, *args: Any) -> bool:
        """Call a hook whose failure is its plugin's own affair; returns whether it went well."""
        try:
            self.call(hook, *args)
        except Stopped:
            return False
        except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
            self.failed(hook, error)
            return False
        self.went_well(hook)
        return True

    def went_well(self, hook: Hook) -> None:
        """The failures of a hook are no longer in a row."""
        if self._failures:
            self._failures.pop(hook.name, None)

    def failed(self, hook: Hook, error: Exception) -> None:
        """A hook failed: say so, and after too many in a row switch the plugin off."""
        self.tell(hook, error)
        count = self._failures[hook.name] = self._failures.get(hook.name, 0) + 1
        if count >= self._limits.failures_until_disabled and self.off is None:
            self.switch_off(f"{hook.name} failed {many(count, 'time')} in a row; last: {_text(error)}")

    def tell(self, hook: Hook, error: Exception) -> None:
        """Count a failure, and log it: of those alike in a minute the first."""
        self.counts.increment(HOOK_FAILURES + hook.name)
        # The traceback is the plugin author's way to the fault; the log masks the secrets in it.
        trace = None if isinstance(error, HookTimeout) else error
        kind = (hook.name, type(error))
        log = self.meta.logger.error
        self._turns.tell(kind, log, "%s failed: %s", hook.name, _text(error), exc_info=trace)
        self._report(self.name, hook.name, error)

    def switch_off(self, reason: str) -> None:
        """Call none of its hooks any more, but for the last; the other plugins go on."""
        self.off = reason
        self.meta.logger.error("the plugin is switched off until the next start: %s", reason)

    def _set_up_waits(self) -> Iterator[float]:
        return (_FIRST_WAIT_SECONDS * 2**tries for tries in range(_SET_UP_TRIES - 1))


HOOK_FAILURES = "hook_failures."


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
