"""PostHog's private API: one question, its JSON or an error in words; a list, page by page; a file's address.

The personal key goes to one host only. No redirect is followed with it, and no path can lead elsewhere, not
even one that PostHog gives, such as that of the next page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests

from .. import exact_json
from ..clock import Clock
from ..delivery.failures import failure_of
from ..delivery.outcome import Answer, Outcome, classify, printable
from ..errors import ApiRefusal, InvalidRecord, RetryError, UsageError
from ..masking import Mask
from ..retry import retry_after_seconds
from ..secret import Secret
from .connection import open_with_key
from .patience import Patience, RateLimited

KEY_SETTING = "posthog.personal_api_key"
HOST_SETTING = "posthog.host"

_CONNECT_SECONDS = 10.0
# A query of PostHog's own may take minutes; a hook has its own limit, and that is shorter as a rule.
_ANSWER_SECONDS = 60.0
_MOST_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_WORDS_CHARACTERS = 400

_KEY_UNKNOWN = 401
_NOT_ALLOWED = 403
_TOO_MANY = 429
_REDIRECTS = range(300, 400)


class ApiClient:
    """Asks with a personal key. Safe for threads.

    Args:
        host: Of the API, as `api_host` gives it.
        key: The personal key; without one every question is a `UsageError`.
        clock: Reads dates in `Retry-After`.
        mask: What to take out of PostHog's words.
        otherwise: What to do about a refusal that is neither the key's nor the address's fault.
    """

    def __init__(self, host: str, *, key: Secret, clock: Clock, mask: Mask, otherwise: str = "") -> None:
        self.host = host
        self._key = key
        self._clock = clock
        self._mask = mask
        self._otherwise = otherwise
        self._idle: list[requests.Session] = []

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        scopes: Sequence[str] = (),
    ) -> Any:
        """One question, and the JSON of its answer; None when it has no body.

        Args:
            method: Of HTTP.
            path: Below the host, such as `/api/projects/7/cohorts/`; it may have a query.
            params: More of the query.
            body: JSON.
            scopes: Those that the key needs for it, to be named when it is refused.

        Raises:
            RetryError: PostHog cannot answer now.
            ApiRefusal: It will not.
            UsageError: There is no key, or the path is none.
        """
        answer = self._answer(method, path, params=params, body=body, scopes=scopes)
        if classify(answer) is not Outcome.DELIVERED:
            self._refuse(method, path, answer, scopes)
        if not answer.body.strip():
            return None
        try:
            return exact_json.decode(answer.body)
        except InvalidRecord as error:
            raise ApiRefusal(
                f"{self.host} answered with something that is no JSON; is {HOST_SETTING} PostHog's address?",
                status=answer.status,
            ) from error

    def pages(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        scopes: Sequence[str] = (),
        patience: Patience,
    ) -> Iterator[Sequence[Any]]:
        """The results of a list, page by page, each asked for when it is wanted, and waited for.

        Raises:
            ApiRefusal: PostHog refuses, or what comes is no list.
            UsageError: As of `ask`.
            Stopped: The program ends first.
        """
        next_path: str | None = path
        seen = {path}
        while next_path is not None:
            ask = partial(self.ask, "GET", next_path, params=params, scopes=scopes)
            page = patience.get(ask)
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise ApiRefusal(f"{self.host} answered GET {_short(path)} with no list", status=200)
            yield page["results"]
            next_path = _below(page.get("next"))
            if next_path in seen:
                raise ApiRefusal(f"{self.host}: the pages of {_short(path)} go in a circle", status=200)
            seen.add(next_path or "")
            params = None  # the next page's address has them

    def address(self, path: str, *, scopes: Sequence[str] = ()) -> str:
        """Where a question is redirected to: the signed address of a file. It opens the file, so keep it.

        Raises as `ask` does.
        """
        answer = self._answer("GET", path, scopes=scopes)
        if answer.status not in _REDIRECTS or not answer.location:
            self._refuse("GET", path, answer, scopes)
        address = urljoin(self.host + path, answer.location)
        allowed = {"https"} if self.host.startswith("https://") else {"https", "http"}
        if urlsplit(address).scheme not in allowed:
            raise ApiRefusal(
                f"{self.host} leads from GET {_short(path)} to an address that is not https",
                status=answer.status,
            )
        return address

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        scopes: Sequence[str],
    ) -> Answer:
        if not self._key:
            needed = f" with {_listed(scopes)}" if scopes else ""
            raise UsageError(
                f"PostHog's API is asked, and {KEY_SETTING} is not set: make a personal API key{needed} in "
                "PostHog (Settings, Personal API keys) and set it"
            )
        if not path.startswith("/"):
            raise UsageError(f"{printable(path)[:200]!r} is no path of PostHog's API: it begins with a slash")
        return self._attempt(method, self.host + path, params or {}, _json(body))

    def _attempt(self, method: str, url: str, params: Mapping[str, Any], body: bytes | None) -> Answer:
        headers = {} if body is None else {"Content-Type": "application/json"}
        session = self._idle.pop() if self._idle else open_with_key(self._key, answer_seconds=_ANSWER_SECONDS)
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
                    location=response.headers.get("Location"),
                )
        except (requests.RequestException, OSError, ValueError) as error:
            return failure_of(error)
        finally:
            self._idle.append(session)

    def _refuse(self, method: str, path: str, answer: Answer, scopes: Sequence[str]) -> NoReturn:
        asked = f"{method} {_short(path)}"
        said = self._mask.text(_words(answer))
        if classify(answer) is Outcome.RETRY:
            kind = RateLimited if answer.status == _TOO_MANY else RetryError
            raise kind(
                f"PostHog's API at {self.host} cannot answer {asked} now: {said}",
                retry_after_seconds=retry_after_seconds(answer.retry_after, self._clock.now()),
            )
        todo = self._todo(answer.status, scopes)
        raise ApiRefusal(
            f"PostHog's API refused {asked}: {said}" + (f"; {todo}" if todo else ""), status=answer.status
        )

    def _todo(self, status: int | None, scopes: Sequence[str]) -> str:
        if status == _KEY_UNKNOWN:
            return f"check {KEY_SETTING}, and {HOST_SETTING}: the EU does not know keys of the US"
        if status == _NOT_ALLOWED and scopes:
            return f"check {KEY_SETTING}: it needs {_listed(scopes)}, and access to this project"
        if status == _NOT_ALLOWED:
            return f"check {KEY_SETTING}, its scopes and the projects that it opens"
        if status is None or status in _REDIRECTS:
            return f"check {HOST_SETTING}"
        return self._otherwise


def _listed(scopes: Sequence[str]) -> str:
    return ("the scope " if len(scopes) == 1 else "the scopes ") + " and ".join(scopes)


def _short(path: str) -> str:
    return printable(path.partition("?")[0])[:200]


def _below(address: Any) -> str | None:
    """Path and query of an address that PostHog gives; which host it names does not count."""
    if not isinstance(address, str) or not address:
        return None
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


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
    described = replace(answer, location=None).describe()  # a signed address would open a file
    if not isinstance(detail, str) or not detail:
        return described
    return f"{described}: {printable(detail)[:_WORDS_CHARACTERS]}"
