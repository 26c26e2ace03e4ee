"""What stands behind `meta` in a harness, where the runner has a network, a project and files."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import UsageError
from ..hooks import Rejection


class Captured(NamedTuple):
    """What a plugin gave to `meta.posthog.capture`."""

    event: str
    properties: dict[str, Any]


def listening_logger(name: str, say: Callable[[str], None]) -> logging.Logger:
    """One that nobody else has."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(f"{record.levelname.lower()}: {record.getMessage()}")

    logger = logging.Logger(name)  # noqa: LOG001 -- `getLogger` would share it with the next test
    logger.addHandler(Lines())
    return logger


@dataclass(frozen=True, slots=True)
class KeptRejections:
    """A `runtime.DeadLetters`."""

    rejections: list[Rejection]

    def add(self, rejection: Rejection) -> None:
        """See `DeadLetters`."""
        self.rejections.append(rejection)

    def close(self) -> None:
        """See `DeadLetters`."""


@dataclass(frozen=True, slots=True)
class ScriptedPlaces:
    """A `hooks.Geoip`."""

    places: Mapping[str, dict[str, Any]]

    def locate(self, ip: str) -> dict[str, Any] | None:
        """See `Geoip`."""
        return self.places.get(ip)


@dataclass(frozen=True, slots=True)
class ScriptedApi:
    """A `hooks.PosthogApi`."""

    answers: Mapping[str, Any]
    calls: list[tuple[str, Any]]

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("GET", path, params)

    def post(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """See `PosthogApi`."""
        return self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        asked = f"{method} {path}"
        self.calls.append((asked, body))
        if asked not in self.answers:
            raise UsageError(f"PostHog's API was asked {asked!r}, which the test has no answer to")
        answer = self.answers[asked]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True, slots=True)
class CapturingPosthog:
    """A `hooks.Posthog`."""

    captured: list[Captured]
    api: ScriptedApi

    def capture(self, event: str, properties: Mapping[str, Any] | None = None) -> None:
        """See `Posthog`."""
        self.captured.append(Captured(event, dict(properties or {})))
