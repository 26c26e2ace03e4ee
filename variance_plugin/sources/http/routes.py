"""The addresses PostHog's SDKs call, and what keeps them content at those that take no events."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from .exchange import JSON_TYPE, Answer, Request

CAPTURE_PATHS = frozenset({"/e", "/i/v0/e", "/track", "/engage", "/capture", "/batch", "/i/v0/ai/batch"})
"""Where events are posted; each also with a slash at its end."""

CAPTURE_V1_PATHS = frozenset({"/i/v1/analytics/events", "/i/v1/ai/events"})
"""The same for the capture API v1, which an SDK has to be told to use."""

ENGAGE_PATH = "/engage"

_ACCEPTED = b'{"status":"Ok"}'

_SCRIPT_TYPE = "application/javascript"

_REMOTE_CONFIG = re.compile(r"/array/(?P<token>[\w-]{1,200})/config(?P<script>\.js)?")

_NO_FEATURES: Mapping[str, Any] = {
    "supportedCompression": ["gzip", "gzip-js"],
    "elementsChainAsString": True,
    "autocapture_opt_out": False,
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "autocaptureExceptions": False,
    "capturePerformance": False,
    "heatmaps": False,
    "surveys": False,
    "toolbarParams": {},
    "isAuthenticated": False,
    "siteApps": [],
}
_NO_FLAGS: Mapping[str, Any] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
}
_FLAG_PATHS = frozenset({"/flags", "/decide"})


def takes_events(path: str) -> bool:
    """Whether SDKs post events to this path, as the capture API v0 has them."""
    return path.removesuffix("/") in CAPTURE_PATHS


def takes_v1_events(path: str) -> bool:
    """The same of the capture API v1."""
    return path.removesuffix("/") in CAPTURE_V1_PATHS


def engages(path: str) -> bool:
    """Whether what is posted there updates a person and needs no event name."""
    return path.removesuffix("/") == ENGAGE_PATH


def accepted(request: Request, events: int = 0) -> Answer:
    """PostHog's answer to events it took; a page that is being left waits for none."""
    if request.query.get("beacon") == "1":
        return Answer(status=204, events=events)
    return Answer(body=_ACCEPTED, events=events)


def is_settled(path: str) -> bool:
    """Whether SDKs ask there for flags or their configuration."""
    path = path.removesuffix("/")
    return path in _FLAG_PATHS or _REMOTE_CONFIG.fullmatch(path) is not None


class SettledDoor:
    """Answers SDKs that ask for flags or their configuration; takes nothing."""

    name = "settled"
    methods = ("GET", "POST")

    def admit(self, head: Request) -> None:
        """See `Door`. Anybody may ask."""

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        return settled_answer(request.path) or Answer(status=404)


def settled_answer(path: str) -> Answer | None:
    """What to answer where an SDK asks for flags or its configuration: that there is nothing.

    No feature flags, no session recording, no surveys; an SDK then only captures. None where no SDK
    is known to call.
    """
    if path.removesuffix("/") in _FLAG_PATHS:
        return _json({**_NO_FEATURES, **_NO_FLAGS})
    asked = _REMOTE_CONFIG.fullmatch(path.removesuffix("/"))
    if asked is None:
        return None
    if not asked["script"]:
        return _json(_NO_FEATURES)
    settings = msgspec.json.encode({"config": _NO_FEATURES, "siteApps": []}).decode()
    script = (
        f"(function(w){{w._POSTHOG_REMOTE_CONFIG=w._POSTHOG_REMOTE_CONFIG||{{}};"
        f'w._POSTHOG_REMOTE_CONFIG["{asked["token"]}"]={settings}}})(window);'
    )
    return Answer(content_type=_SCRIPT_TYPE, body=script.encode())


def _json(answer: Mapping[str, Any]) -> Answer:
    return Answer(content_type=JSON_TYPE, body=msgspec.json.encode(answer))
