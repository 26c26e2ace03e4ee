"""The addresses PostHog's SDKs call, and what keeps them content at those that take no events."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

CAPTURE_PATHS = frozenset({"/e", "/i/v0/e", "/track", "/engage", "/capture", "/batch", "/i/v0/ai/batch"})
"""Where events are posted; each also with a slash at its end."""

ACCEPTED = b'{"status":"Ok"}'
"""The body of PostHog's answer to events it took."""

JSON_TYPE = "application/json"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body and its media type."""

    content_type: str
    body: bytes


def takes_events(path: str) -> bool:
    """Whether SDKs post events to this path."""
    return path.removesuffix("/") in CAPTURE_PATHS


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
