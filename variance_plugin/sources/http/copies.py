"""Copies of what SDKs sent, for PostHog: how they are kept on disk, and what is sent of them how late."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from ...capture import Reception, Skew
from .capture_doors import V1_SENT_AT, posted_in, records_of, sent_at_of
from .exchange import JSON_TYPE, Request
from .routes import takes_v1_events

FRESH_SECONDS = 5.0
"""Up to then a copy is sent byte by byte. PostHog takes the time since `sent_at` for a clock that is behind,
so that what is later has to say by itself when it happened."""

_BATCH_PATH = "/batch/"


class Copy(msgspec.Struct, array_like=True, frozen=True):
    """A request as it is kept.

    Attributes:
        method: As of `Request`, like the next five.
        target: The address behind the host.
        headers: See there.
        client: See there.
        received_at: In seconds since 1970.
        body: See there.
        nonce: The same for every attempt, so that ids made of it are the same, too.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    client: str
    received_at: float
    body: bytes
    nonce: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Copy)


def kept(request: Request, *, nonce: str) -> bytes:
    """What is kept of a request."""
    return _encoder.encode(
        Copy(
            method=request.method,
            target=request.target,
            headers=request.headers,
            client=request.client,
            received_at=request.received_at.timestamp(),
            body=request.body,
            nonce=nonce,
        )
    )


def request_of(entry: bytes, now: datetime) -> Request:
    """What is to be sent now of what was kept.

    Raises:
        InvalidRecord: It is later by now, and what it holds can no longer be taken apart.
    """
    copy = _decoder.decode(entry)
    path, _, query = copy.target.partition("?")
    request = Request(
        method=copy.method,
        path=path,
        raw_path=path,
        raw_query=query,
        headers=copy.headers,
        client=copy.client,
        received_at=datetime.fromtimestamp(copy.received_at, UTC),
        body=copy.body,
    )
    late_seconds = (now - request.received_at).total_seconds()
    if late_seconds <= FRESH_SECONDS:
        return request
    if takes_v1_events(path):
        return _sent_later(request, late_seconds)
    return _with_times(request, copy.nonce)


def _sent_later(request: Request, late_seconds: float) -> Request:
    """As if the client had sent it now: v1 says in a header when it did."""
    sent_at = request.header(V1_SENT_AT)
    try:
        moment = datetime.fromisoformat(sent_at) + timedelta(seconds=math.floor(late_seconds))
    except (ValueError, OverflowError):
        return request
    return replace(request, headers={**request.headers, V1_SENT_AT: moment.isoformat()})


def _with_times(request: Request, nonce: str) -> Request:
    """The same events, each with the time at which it happened, and without a word on when they were sent."""
    posted = posted_in(request)
    skew = Skew.of(sent_at_of(posted, request), request.received_at)
    records = records_of(posted.usable, Reception(at=request.received_at, ip=None, nonce=nonce), skew)
    key = msgspec.json.encode(posted.project_key)
    return Request(
        method="POST",
        path=_BATCH_PATH,
        raw_path=_BATCH_PATH,
        headers={
            "content-type": JSON_TYPE,
            **{name: value for name, value in request.headers.items() if name == "user-agent"},
        },
        client=request.client,
        received_at=request.received_at,
        body=b'{"api_key":' + key + b',"batch":[' + b",".join(records) + b"]}",
    )
