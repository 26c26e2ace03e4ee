"""An application with PostHog in it, as its code would read, and what PostHog hands out of that.

The browser keeps its ids as posthog-js does (packages/browser/src/posthog-core.ts, `identify` and `reset`),
the server sends what posthog-python and posthog-node send. PostHog takes it in by the same rules by which
the recordings were derived, persons and merges included, and gives it out as rows of its Kafka topic.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.recordings.scripts.ingestion import Project
from tests.recordings.scripts.shapes import kafka

_MORNING = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Application:
    """The application; everything in it happens one minute after the last."""

    def __init__(self) -> None:
        self._posthog = Project()
        self._minutes = 0
        self._visitors = 0
        self.events: list[bytes] = []
        """All that happened so far, in order, as PostHog hands it out."""

    def browser(self) -> "Browser":
        """A browser that was never here before."""
        return Browser(self)

    def server(self) -> "Server":
        """The application's own server."""
        return Server(self)

    def new_visitor(self) -> str:
        """An anonymous id."""
        self._visitors += 1
        return f"visitor-{self._visitors}"

    def capture(self, name: str, distinct_id: str, properties: dict[str, Any]) -> None:
        """What every SDK does in the end."""
        self._minutes += 1
        time = (_MORNING + timedelta(minutes=self._minutes)).isoformat()
        event = {"event": name, "distinct_id": distinct_id, "timestamp": time, "properties": properties}
        request = json.dumps({"batch": [event], "sent_at": time})
        for stored in self._posthog.ingest("journey", request, ip="203.0.113.9"):
            self.events.append(json.dumps(kafka(stored)).encode())


class Browser:
    """posthog-js in one browser; whoever sits there."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._distinct_id = application.new_visitor()
        self._device_id = self._distinct_id
        self._user_id: str | None = None
        self._groups: dict[str, str] = {}

    @property
    def distinct_id(self) -> str:
        """As `posthog.get_distinct_id()`, which applications pass on to their servers."""
        return self._distinct_id

    def pageview(self, path: str) -> None:
        """Open a page."""
        self.capture("$pageview", **{"$current_url": f"https://app.acme.example{path}", "$pathname": path})

    def identify(self, user_id: str, **traits: Any) -> None:
        """They log in, or sign up."""
        was_anonymous, previous = self._user_id is None, self._distinct_id
        self._user_id = self._distinct_id = user_id
        if was_anonymous:
            self.capture("$identify", **{"$anon_distinct_id": previous, "$set": traits})
        elif traits:
            self.capture("$set", **{"$set": traits})

    def group(self, type_: str, key: str, **traits: Any) -> None:
        """They work in a company, a team, a project."""
        self._groups[type_] = key
        update = {"$group_set": traits} if traits else {}
        self.capture("$groupidentify", **{"$group_type": type_, "$group_key": key, **update})

    def alias(self, alias: str) -> None:
        """Another id for whoever sits there."""
        self.capture("$create_alias", alias=alias, distinct_id=self._distinct_id)

    def capture(self, name: str, **properties: Any) -> None:
        """They do something."""
        ids = {"distinct_id": self._distinct_id, "$device_id": self._device_id}
        ids |= {"$user_id": self._user_id} if self._user_id else {}
        groups = {"$groups": dict(self._groups)} if self._groups else {}
        about = {**ids, **groups, "$is_identified": self._user_id is not None, "$lib": "web"}
        self._application.capture(name, self._distinct_id, about | properties)

    def reset(self) -> None:
        """They log out: a new anonymous id, no groups; but the device stays the device."""
        self._distinct_id, self._user_id, self._groups = self._application.new_visitor(), None, {}


class Server:
    """posthog-python and posthog-node, which know nobody by themselves."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def capture(
        self, user_id: str, name: str, *, groups: dict[str, str] | None = None, **properties: Any
    ) -> None:
        """A user did something."""
        self._send(name, user_id, {"$groups": groups, **properties} if groups else properties)

    def set(self, user_id: str, **traits: Any) -> None:
        """posthog-python's `set`."""
        self._send("$set", user_id, {"$set": traits})

    def identify(self, user_id: str, *, anonymous_id: str | None = None, **traits: Any) -> None:
        """posthog-node's `identify`."""
        link = {} if anonymous_id is None else {"$anon_distinct_id": anonymous_id}
        self._send("$identify", user_id, {"$set": traits, **link})

    def alias(self, previous_id: str, user_id: str) -> None:
        """posthog-python's `alias`."""
        self._send("$create_alias", previous_id, {"distinct_id": previous_id, "alias": user_id})

    def group_identify(self, type_: str, key: str, **traits: Any) -> None:
        """posthog-node's `groupIdentify`, with the id that it invents."""
        group = {"$group_type": type_, "$group_key": key, "$group_set": traits}
        self._send("$groupidentify", f"${type_}_{key}", group)

    def _send(self, name: str, distinct_id: str, properties: dict[str, Any]) -> None:
        self._application.capture(name, distinct_id, {"$is_server": True, **properties})
