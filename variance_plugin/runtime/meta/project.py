"""The user's own PostHog project: where plugins capture events, and the runner its telemetry.

It goes through one client of the `posthog` package, which is loaded only when a project key is configured.
The client has a bounded queue and a thread of its own: capturing never waits, and a PostHog that is slow or
gone costs what was captured, not what is exported.
"""

import atexit
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...__about__ import NAME
from ...clock import Clock
from ...errors import Fault, SettingsError
from ...events import utc_text
from ...masking import Mask
from ...posthog_api import HOST_SETTING, KEY_SETTING, api_host
from ...secret import Secret
from ...turns import Turns
from ..watching.exceptions import without_message
from .feedback import MARK
from .project_api import ProjectApi

if TYPE_CHECKING:
    from posthog import Posthog

PROJECT_KEY_SETTING = "posthog.project_key"

# About 10 MB of ordinary events.
_QUEUED_EVENTS = 10_000
_REQUEST_SECONDS = 10.0
_PERSONLESS = "$process_person_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAccess:
    """Where the project is, and what opens it.

    Raises:
        SettingsError: When the host is no address, or a key is one of the other kind.
    """

    host: str = "https://us.i.posthog.com"
    """The capture endpoint."""
    project_key: Secret = Secret("")
    """Of the project, `phc_…`; without it nothing is captured."""
    personal_api_key: Secret = Secret("")
    """For the API, `phx_…`; without it every question is refused."""

    def __post_init__(self) -> None:
        faults = []
        if not self.host.startswith(("https://", "http://")):
            problem = "is no address; give the whole of it, such as https://us.i.posthog.com"
            faults.append(Fault(key=HOST_SETTING, problem=problem))
        if self.project_key.reveal().startswith("phx_"):
            problem = "is a personal API key (phx_…); the project's own begins with phc_"
            faults.append(Fault(key=PROJECT_KEY_SETTING, problem=problem))
        if self.personal_api_key.reveal().startswith("phc_"):
            problem = "is the key of a project (phc_…); a personal one begins with phx_"
            faults.append(Fault(key=KEY_SETTING, problem=problem))
        if faults:
            raise SettingsError(faults)


class Project:
    """The way into the project. Without a project key capturing does nothing. Safe for threads.

    Args:
        access: Where it is, and what opens it.
        secrets: Configured anywhere; no event that leaves holds one of them.
        clock: Says when an event happened.
        logger: Told when events are lost.
    """

    def __init__(
        self, access: ProjectAccess, *, secrets: Iterable[Secret] = (), clock: Clock, logger: logging.Logger
    ) -> None:
        self._clock = clock
        self._logger = logger
        self._mask = Mask([*secrets, access.personal_api_key])
        self._client = _open(access, self._leaving) if access.project_key else None
        self._turns = Turns(clock)
        self.lost = 0
        """Events that found no room in the queue, or cannot be masked."""
        self.api = ProjectApi(
            api_host(access.host),
            key=access.personal_api_key,
            project_key=access.project_key,
            clock=clock,
            mask=self._mask,
        )

    def of(self, plugin: str) -> "PluginProject":
        """The project as the plugin of that name sees it."""
        return PluginProject(self, plugin)

    def capture(self, event: str, properties: Mapping[str, Any], *, by: str) -> None:
        """Send an event when there is time; never waits, never fails.

        Args:
            event: Its name.
            properties: As in PostHog's plugin server, `distinct_id` and `timestamp` among them are the
                event's own. Without a `distinct_id` it is the captor's, and makes no person of it.
            by: Who captures it: the name of a plugin, or of this package.
        """
        client = self._client
        if client is None or not self._has_room(client):
            return
        given = dict(properties)
        distinct_id, timestamp = given.pop("distinct_id", None), given.pop("timestamp", None)
        if distinct_id in (None, ""):
            distinct_id = by
            given.setdefault(_PERSONLESS, False)
        client.capture(
            event,
            distinct_id=str(distinct_id),
            properties={**given, MARK: by},
            timestamp=_moment(timestamp) or self._clock.now(),
        )

    def capture_exception(self, error: BaseException, properties: Mapping[str, Any]) -> None:
        """Send what kind of exception it is, and where it was raised: no message, no source, no variables."""
        client = self._client
        if client is not None and self._has_room(client):
            client.capture_exception(
                error,
                distinct_id=NAME,
                properties={**properties, _PERSONLESS: False, MARK: NAME},
                timestamp=self._clock.now(),
            )

    def close(self, deadline_seconds: float) -> bool:
        """Send what is queued, and capture nothing from now on.

        Returns whether all of it was tried within that time; what was not is lost.
        """
        self.api.close()
        client, self._client = self._client, None
        if client is None:
            return True
        closing = threading.Thread(target=self._shut_down, args=[client], name="posthog-close", daemon=True)
        closing.start()
        closing.join(max(deadline_seconds, 0.0))
        if not closing.is_alive():
            return True
        # Older versions of the package would wait once more when the process ends.
        atexit.unregister(client.join)
        self._logger.warning(
            "PostHog at %s did not take all that was captured within %g s; the rest is lost",
            client.host,
            deadline_seconds,
        )
        return False

    def _shut_down(self, client: "Posthog") -> None:
        try:
            client.shutdown()
        except Exception as error:  # noqa: BLE001 -- whatever it is, nothing is left that it could hurt
            self._logger.warning("the posthog package did not end well: %s", type(error).__name__)

    def _has_room(self, client: "Posthog") -> bool:
        if not client.queue.full():
            return True
        self.lost += 1
        text = "events for PostHog at %s are lost: it is out of reach, or plugins capture too many"
        self._turns.tell("full", self._logger.warning, text, client.host)
        return False

    def _leaving(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The event as it may leave; None drops it."""
        try:
            properties = event["properties"]
            if properties.get(MARK) == NAME and "$exception_list" in properties:
                properties["$exception_list"] = [
                    without_message(error) for error in properties["$exception_list"]
                ]
            masked: dict[str, Any] = self._mask.value(event)
        except Exception as error:  # noqa: BLE001 -- the package would log its text, or send the event as it is
            self.lost += 1
            text = "an event for PostHog is lost: secrets in it cannot be looked for (%s)"
            self._turns.tell("unmasked", self._logger.warning, text, type(error).__name__)
            return None
        return masked


class PluginProject:
    """A `hooks.Posthog`."""

    def __init__(self, project: Project, plugin: str) -> None:
        self._project = project
        self._plugin = plugin

    def capture(self, event: str, properties: Mapping[str, Any] | None = None) -> None:
        """See `Posthog`."""
        self._project.capture(event, properties or {}, by=self._plugin)

    @property
    def api(self) -> ProjectApi:
        """See `Posthog`."""
        return self._project.api


def _open(access: ProjectAccess, leaving: Any) -> "Posthog":
    from posthog import Posthog  # noqa: PLC0415 -- a tenth of a second that most runs need not pay

    return Posthog(
        access.project_key.reveal(),
        host=access.host,
        max_queue_size=_QUEUED_EVENTS,
        timeout=_REQUEST_SECONDS,
        enable_local_evaluation=False,
        capture_exception_code_variables=False,
        before_send=leaving,
    )


def _moment(timestamp: Any) -> datetime | None:
    """The time that a plugin gave, in any spelling that an event may have; None when it gave none."""
    try:
        text = utc_text(timestamp)
    except ValueError:
        return None
    return datetime.fromisoformat(text) if text else None
