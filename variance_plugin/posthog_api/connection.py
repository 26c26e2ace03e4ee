"""Connections to PostHog's API, which carry the key, and to where it keeps files, which must not."""

from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ..delivery.connection import BoundedAdapter
from ..secret import Secret


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, so that `requests` does not prepare what it is told not to follow."""


class _Bearer(AuthBase):
    """Sets the key. Its presence keeps `requests` from asking `~/.netrc`."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Bytes, since http.client takes text as Latin-1 only. The stubs know no bytes here.
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}".encode()  # type: ignore[assignment]
        return request


class _Nothing(AuthBase):
    """Adds no authorization, and none from `~/.netrc` either: a signed address refuses a second one."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def open_with_key(key: Secret, *, answer_seconds: float) -> requests.Session:
    """For the API; an answer has so long, to its last byte."""
    session = _open(BoundedAdapter(answer_seconds))
    session.auth = _Bearer(key)
    return session


def open_without_key() -> requests.Session:
    """For files, which may take as long as they take while bytes come."""
    session = _open(HTTPAdapter())
    session.auth = _Nothing()
    return session


def _open(adapter: HTTPAdapter) -> requests.Session:
    session = _Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "identity"  # a bound on the size holds for what is unpacked, too
    return session
