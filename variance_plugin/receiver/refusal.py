"""Why a post is turned away before the script of answers is asked."""

from enum import StrEnum
from http import HTTPStatus
from typing import Final

import msgspec

from ..errors import VarianceError
from .answers import Answer


class Refusal(StrEnum):
    """The reasons, as the summary counts them."""

    MALFORMED = "malformed HTTP"
    METHOD = "wrong method"
    CONNECTION = "no such connection"
    PEER = "not from this machine"
    HOST = "addressed by another name"
    ORIGIN = "asked by another site"
    FAULT = "no fault that could be enacted"
    AUTHORIZATION = "wrong or missing Authorization"
    SIGNATURE = "wrong or missing X-Signature"
    TOO_LARGE = "too large"
    ENCODING = "unknown Content-Encoding"
    NOT_JSON = "not JSON"
    NOT_PAYLOAD = "JSON, but no payload"
    KEEPING = "the file of kept messages cannot be written"
    STATE = "the state file cannot be written"


STATUSES: Final = {
    Refusal.MALFORMED: HTTPStatus.BAD_REQUEST,
    Refusal.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Refusal.CONNECTION: HTTPStatus.NOT_FOUND,
    Refusal.PEER: HTTPStatus.FORBIDDEN,
    Refusal.HOST: HTTPStatus.FORBIDDEN,
    Refusal.ORIGIN: HTTPStatus.FORBIDDEN,
    Refusal.FAULT: HTTPStatus.BAD_REQUEST,
    Refusal.AUTHORIZATION: HTTPStatus.UNAUTHORIZED,
    Refusal.SIGNATURE: HTTPStatus.UNAUTHORIZED,
    Refusal.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal.ENCODING: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Refusal.NOT_JSON: HTTPStatus.BAD_REQUEST,
    Refusal.NOT_PAYLOAD: HTTPStatus.BAD_REQUEST,
    Refusal.KEEPING: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal.STATE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refused(VarianceError):
    """A post is turned away. Never leaves the receiver: the connection turns it into an answer.

    Args:
        refusal: The reason to count under.
        detail: What exactly, for the one who reads the answer; never a secret.
    """

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal}: {detail}" if detail else str(refusal))
        self.refusal = refusal

    @property
    def status(self) -> int:
        """The status it is answered with."""
        return STATUSES[self.refusal]

    def answer(self) -> Answer:
        """The answer that says so."""
        # RFC 9110 wants Allow beside every 405.
        headers = {"Allow": "POST"} if self.refusal is Refusal.METHOD else {}
        body = msgspec.json.encode({"success": False, "error": str(self)})
        return Answer(status=self.status, headers=headers, body=body)
