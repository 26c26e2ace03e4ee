"""PostHog's private API as plugins see it: `meta.posthog.api`."""

from collections.abc import Mapping
from typing import Any

from ...clock import Clock
from ...masking import Mask
from ...posthog_api import ApiClient
from ...secret import Secret

_CURRENT = "@current"


class ProjectApi:
    """A `hooks.PosthogApi`. Safe for threads.

    Args:
        host: Of the API, as `api_host` gives it.
        key: The personal key; without one every call is a `UsageError`.
        project_key: Says which project `@current` in a path means. Without it PostHog takes the one that the
            owner of the personal key looked at last.
        clock: Reads dates in `Retry-After`.
        mask: What to take out of PostHog's words.
    """

    def __init__(self, host: str, *, key: Secret, project_key: Secret, clock: Clock, mask: Mask) -> None:
        self._client = ApiClient(
            host, key=key, clock=clock, mask=mask, otherwise="the plugin has to ask otherwise"
        )
        self._project_key = project_key

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("POST", path, body=body)

    def put(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("PUT", path, body=body)

    def patch(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._ask("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        """See `PosthogApi`."""
        return self._ask("DELETE", path)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        asked = dict(params or {})
        if _CURRENT in path and self._project_key:
            asked.setdefault("token", self._project_key.reveal())
        return self._client.ask(method, path, params=asked, body=body)
