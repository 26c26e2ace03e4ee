"""Drops the events of internal users; adds to all others since when the user is known."""

from datetime import datetime, timedelta

from variance_plugin.hooks import Event, PluginMeta

from .addresses import domain_of

_DROPPED = "dropped"
_TOLD = "dropped, as told to PostHog"
_FIRST_SEEN = "first seen: "


class InternalUsers:
    """PostHog's hooks; the runner makes one instance, and calls them one after the other."""

    def setup_plugin(self, meta: PluginMeta) -> None:
        """Read the parameters once; `plugin.json` has seen to it that they can be used."""
        self._domains = {domain.strip().lower() for domain in meta.config["domains"].split(",")}
        self._mark = meta.config["property"] if meta.config["whatToDo"] == "mark" else None

    def process_event(self, event: Event, meta: PluginMeta) -> Event | None:
        """Called for each event; the event goes on as it is returned, or not at all."""
        domain = domain_of(event)
        if domain in self._domains and self._mark is None:
            # A cursor survives restarts, and counts right when the scheduled hook reads it meanwhile.
            meta.utils.cursor.increment(_DROPPED)
            return None
        if self._mark is not None:
            event.properties[self._mark] = domain in self._domains
        event.properties["known_for_days"] = self._known_for(event, meta).days
        return event

    def run_every_day(self, meta: PluginMeta) -> None:
        """Tell PostHog how much was dropped, once a day."""
        total = meta.utils.cursor.increment(_DROPPED, by=0)
        dropped = total - meta.storage.get(_TOLD, 0)
        meta.storage.set(_TOLD, total)
        meta.posthog.capture("internal events dropped", {"events": dropped})
        meta.logger.info("dropped %d events of internal users", dropped)

    def _known_for(self, event: Event, meta: PluginMeta) -> timedelta:
        # Written once for each user: what storage keeps is on the disk, and that takes its time.
        now = meta.clock.now()
        key = f"{_FIRST_SEEN}{event.distinct_id}"
        first = meta.storage.get(key)
        if first is None:
            meta.storage.set(key, now.isoformat())
            return timedelta(0)
        return now - datetime.fromisoformat(first)
