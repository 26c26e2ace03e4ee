"""PostHog's own API, for whoever here asks it: plugins, the backfill, cohorts."""

from .client import HOST_SETTING, KEY_SETTING, ApiClient
from .download import Download
from .host import api_host
from .patience import Patience, Why

__all__ = ["HOST_SETTING", "KEY_SETTING", "ApiClient", "Download", "Patience", "Why", "api_host"]
