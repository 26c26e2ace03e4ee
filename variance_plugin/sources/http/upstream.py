"""The PostHog behind this runner: one request to it, one reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from ...delivery import Answer
from ...delivery.failures import failure_of
from .exchange import Request

# So many are kept open: who sends copies, and who passes requests on, has one each.
_CONNECTIONS = 32
_CONNECT_SECONDS = 5.0
_MOST_REPLY_BYTES = 10 * 1024 * 1024
# PostHog Cloud serves scripts and configuration from hosts of their own.
_ASSET_PATHS = ("/array/", "/static/")
_ASSET_HOSTS = {
    "us.i.posthog.com": "us-assets.i.posthog.com",
    "eu.i.posthog.com": "eu-assets.i.posthog.com",
}
_SENT_ON = frozenset(
    "accept authorization content-encoding content-type if-modified-since if-none-match origin referer "
    "user-agent".split()
)
_SDK_HEADERS = "posthog-"


class NoReply(Exception):
    """PostHog did not answer; `answer` says why, in words of this project."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.describe())
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What PostHog answered."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes = field(repr=False)


class Upstream:
    """Sends requests to PostHog. Safe for threads.

    No redirects, no cookies, no retries of its own; proxies and certificates as the environment has them.

    Args:
        url: Where it is.
    """

    def __init__(self, url: str) -> None:
        self._base = url
        environment = requests.Session().merge_environment_settings(
            url, {}, stream=False, verify=True, cert=None
        )
        verify = environment["verify"]
        options: dict[str, Any] = {
            "maxsize": _CONNECTIONS,
            "retries": False,
            "ca_certs": verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH,
        }
        proxy = select_proxy(url, environment["proxies"])
        self._pool = (
            urllib3.ProxyManager(proxy, **options) if proxy is not None else urllib3.PoolManager(**options)
        )

    def send(self, request: Request, *, seconds: float) -> Reply:
        """Send a request as it came, but for its host and the headers that belong to a connection.

        Args:
            request: Its client goes into `X-Forwarded-For`.
            seconds: So long may each part of the reply take.

        Raises:
            NoReply: There is none.
        """
        try:
            response = self._pool.request(
                request.method,
                self._address(request),
                body=request.body or None,
                headers=_headers(request),
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=seconds),
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                body = response.read(_MOST_REPLY_BYTES + 1)
            finally:
                response.release_conn()
        except Exception as error:
            raise NoReply(failure_of(error)) from error
        if len(body) > _MOST_REPLY_BYTES:
            response.close()
            raise NoReply(Answer(status=response.status))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status, headers=headers, body=body)

    def close(self) -> None:
        """Close all connections that nobody uses."""
        self._pool.clear()

    def _address(self, request: Request) -> str:
        base = self._base
        if request.path.startswith(_ASSET_PATHS):
            host = urlsplit(base).netloc
            base = base.replace(host, _ASSET_HOSTS.get(host, host), 1)
        return f"{base}{request.target}"


def _headers(request: Request) -> dict[str, str]:
    headers = {
        name: value
        for name, value in request.headers.items()
        if name in _SENT_ON or name.startswith(_SDK_HEADERS)
    }
    if request.client:
        headers["x-forwarded-for"] = request.client
    return headers
