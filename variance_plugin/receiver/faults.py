"""Faults on demand, as a request asks for them."""

from typing import Annotated

import msgspec

from .answers import Answer, Script, WireFault
from .refusal import Refusal, Refused

_LONGEST_SECONDS = 3_600


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong: an answer, late or not, or none. Whatever is left out is as it always is."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    headers: dict[str, str] = {}
    body: str = ""
    delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_SECONDS)] = 0.0
    fault: WireFault | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """For so many posts; None: until it is taken back."""


_decoder = msgspec.json.Decoder(Fault)


def fault_from(body: bytes) -> tuple[Answer, int | None]:
    """The answer that is asked for, and how often. Raises `Refused`."""
    try:
        fault = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(Refusal.FAULT, str(error)) from error
    for text in (*fault.headers, *fault.headers.values()):
        if not (text.isascii() and text.isprintable()):
            raise Refused(Refusal.FAULT, "a header can hold no line break, and ASCII only")
    answer = Answer(
        status=fault.status,
        headers=fault.headers,
        body=fault.body.encode(),
        delay_seconds=fault.delay_seconds,
        fault=fault.fault,
    )
    return answer, fault.times


def faults_now(script: Script) -> list[Fault]:
    """What is due, as it would be asked for again."""
    return [
        Fault(
            status=answer.status,
            headers=dict(answer.headers),
            body=answer.body.decode(errors="replace"),
            delay_seconds=answer.delay_seconds,
            fault=answer.fault,
            times=times,
        )
        for answer, times in script.faults
    ]
