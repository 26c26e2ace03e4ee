"""The door for PostHog's *HTTP Webhook* destination: one event a request, from whoever knows the token."""

import hmac
from http import HTTPStatus

from ...capture import decode_body
from ...errors import InvalidRecord
from ...formats import events
from ...secret import Secret
from .capture_doors import Unpacking
from .exchange import JSON_TYPE, Answer, Refused, Request
from .keeping import Keeper
from .reading import without_encoding

PATH = "/webhook"
HEADER = "x-webhook-token"
_BEARER = "bearer "
_TAKEN = b'{"status":"ok"}'


def is_webhook(path: str) -> bool:
    """Whether the destination posts to this path; the token may stand behind it."""
    return path.removesuffix("/") == PATH or path.startswith(f"{PATH}/")


class WebhookDoor:
    """Takes events that PostHog has ingested, as the destination's body template puts them.

    Args:
        keeper: Keeps them.
        token: What a request has to show: in `Authorization`, as a bearer token or bare, in
            `X-Webhook-Token`, or as the last part of the path.
        unpacking: Takes requests apart.
    """

    name = "webhook"
    methods = ("POST",)

    def __init__(self, keeper: Keeper, token: Secret, unpacking: Unpacking) -> None:
        self._keeper = keeper
        self._unpacking = unpacking
        self._token = token.reveal().encode()

    def admit(self, head: Request) -> None:
        """See `Door`."""
        if not any(hmac.compare_digest(self._token, shown) for shown in _shown(head)):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "the token is missing or wrong; give it as `Authorization: Bearer …`",
                headers=(("www-authenticate", "Bearer"),),
            )
        media_type = head.media_type
        if media_type and media_type != JSON_TYPE and not media_type.endswith("+json"):
            raise Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body has to be JSON, of the type {JSON_TYPE}"
            )

    async def take(self, request: Request) -> Answer:
        """See `Door`."""
        record, count = await self._unpacking.run(request, _record)
        await self._keeper.keep([record])
        return Answer(body=_TAKEN, events=count)


def _record(request: Request) -> tuple[bytes, int]:
    """What is kept, and how many events it holds.

    Raises:
        InvalidRecord: It could not be read later either; now its sender still listens.
    """
    body = without_encoding(request.body, request.header("content-encoding"))
    record = decode_body(body, query={})
    found = events(record)
    for one in found:
        if isinstance(one, InvalidRecord):
            raise one
    return record, len(found)


def _shown(head: Request) -> list[bytes]:
    """What a request shows for a token, in each place where it may stand."""
    authorization = head.header("authorization")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        authorization = authorization[len(_BEARER) :]
    headers = (authorization.strip(), head.header(HEADER).strip())
    in_path = head.path.removeprefix(PATH).strip("/")
    # Header bytes are read as Latin-1; undone, they are the bytes that came.
    return [*(text.encode("latin-1", "replace") for text in headers), in_path.encode(errors="replace")]
