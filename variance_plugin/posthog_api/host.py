"""Where PostHog answers questions, which is not always where it takes events."""

from urllib.parse import urlsplit

_INGESTION_DOMAIN = ".i.posthog.com"


def api_host(capture_host: str) -> str:
    """Where the API is that belongs to a capture endpoint.

    PostHog's cloud takes events at `us.i.posthog.com` and answers questions at `us.posthog.com`; who hosts
    PostHog has both in one place.
    """
    host = capture_host.rstrip("/")
    parts = urlsplit(host)
    name = parts.hostname or ""
    if name.endswith(_INGESTION_DOMAIN):
        return f"{parts.scheme}://{name.removesuffix(_INGESTION_DOMAIN)}.posthog.com"
    return host
