"""PostHog's private API for plugins: one request, its JSON or an error in words.

The personal key goes to one host only. No redirect is followed with it, and a path cannot lead elsewhere.
"""

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from ... import exact_json
from ...clock import Clock
from ...delivery.connection import BoundedAdapter
from ...delivery.failures import failure_of
from ...delivery.outcome import Answer, Outcome, classify, printable
from ...errors import ApiRefusal, InvalidRecord, RetryError, UsageError
from ...retry import retry_after_seconds
from ...secret import Secret
from ..watching.masking import Mask

KEY_SETTING = "posthog.personal_api_key"
HOST_SETTING = "posthog.host"

_CONNECT_SECONDS = 10.0
# A query of PostHog's own may take minutes; a hook has its own limit, and that is shorter as a rule.
_ANSWER_SECONDS = 60.0
_MOST_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_WORDS_CHARACTERS = 400

_KEY_REFUSED = (401, 403)
_REDIRECTS = range(300, 400)

_CURRENT = "@current"
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
        self._host = host
        self._key = key
        self._project_key = project_key
        self._clock = clock
        self._mask = mask
        self._idle: list[requests.Session] = []

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """See `PosthogApi`."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._call("POST", path, body=body)

    def put(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._call("PUT", path, body=body)

    def patch(self, path: str, body: Any = None) -> Any:
        """See `PosthogApi`."""
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        """See `PosthogApi`."""
        return self._call("DELETE", path)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        if not self._key:
            raise UsageError(
                f"a plugin asks PostHog's API, and {KEY_SETTING} is not set: make a personal API key in "
                "PostHog (Settings, Personal API keys) and set it"
            )
        if not path.startswith("/"):
            raise UsageError(f"{printable(path)[:200]!r} is no path of PostHog's API: it begins with a slash")
        asked = dict(params or {})
        if _CURRENT in path and self._project_key:
            asked.setdefault("token", self._project_key.reveal())
        answer = self._attempt(method, self._host + path, asked, _json(body))
        if classify(answer) is not Outcome.DELIVERED:
            self._refuse(f"{method} {printable(path.partition('?')[0])[:200]}", answer)
        return self._value(answer)

    def _attempt(self, method: str, url: str, params: Mapping[str, Any], body: bytes | None) -> Answer:
        headers = {} if body is None else {"Content-Type": "application/json"}
        session = self._idle.pop() if self._idle else _open(self._key)
        try:
            with session.request(
                method,
                url,
                params=params,
                data=body,
                headers=headers,
                timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(
                    status=response.status_code,
                    body=_whole(response),
                    retry_after=response.headers.get("Retry-After"),
                )
        except (requests.RequestException, OSError, ValueError) as error:
            return failure_of(error)
        finally:
            self._idle.append(session)

    def _value(self, answer: Answer) -> Any:
        if not answer.body.strip():
            return None
        try:
            return exact_json.decode(answer.body)
        except InvalidRecord as error:
            raise ApiRefusal(
                f"{self._host} answered with something that is no JSON; is {HOST_SETTING} PostHog's address?",
                status=answer.status,
            ) from error

    def _refuse(self, asked: str, answer: Answer) -> NoReturn:
        said = self._mask.text(_words(answer))
        if classify(answer) is Outcome.RETRY:
            raise RetryError(
                f"PostHog's API cannot answer {asked} now: {said}",
                retry_after_seconds=retry_after_seconds(answer.retry_after, self._clock.now()),
            )
        raise ApiRefusal(
            f"PostHog's API refused {asked}: {said}; {_todo(answer.status)}", status=answer.status
        )


def _todo(status: int | None) -> str:
    if status in _KEY_REFUSED:
        return f"check {KEY_SETTING}, its scopes and the projects that it opens"
    if status is None or status in _REDIRECTS:
        return f"check {HOST_SETTING}"
    return "the plugin has to ask otherwise"


class _Bearer(AuthBase):
    """Sets the key. Its presence keeps `requests` from asking `~/.netrc`."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Bytes, since http.client takes text as Latin-1 only. The stubs know no bytes here.
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}".encode()  # type: ignore[assignment]
        return request


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, so that `requests` does not prepare what it is told not to follow."""


def _open(key: Secret) -> requests.Session:
    session = _Session()
    session.mount("http://", BoundedAdapter(_ANSWER_SECONDS))
    session.mount("https://", BoundedAdapter(_ANSWER_SECONDS))
    session.auth = _Bearer(key)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "identity"  # the bound on the size holds for what is unpacked, too
    return session


def _json(body: Any) -> bytes | None:
    try:
        return None if body is None else exact_json.encode(body)
    except InvalidRecord as error:
        raise TypeError(f"the body for PostHog's API {error}") from error


def _whole(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _MOST_ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("the answer is too large")
    return bytes(body)


def _words(answer: Answer) -> str:
    """What PostHog says: the `detail` of its errors, which names a missing scope."""
    try:
        value = exact_json.decode(answer.body)
    except InvalidRecord:
        value = None
    detail = value.get("detail") if isinstance(value, dict) else None
    if not isinstance(detail, str) or not detail:
        return answer.describe()
    return f"{answer.describe()}: {printable(detail)[:_WORDS_CHARACTERS]}"
