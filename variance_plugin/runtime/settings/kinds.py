"""The kinds of value that a setting may have, beside text: how each is checked, and told to editors."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import core_schema

from ...errors import SettingsError
from ...parameters import Parameters
from ...secret import Secret

OFF = "off"
# A plugin's name stands in logs, metrics and variables.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_HIGHEST_PORT = 65535
_FARTHEST = 1_000_000


def _no_yes_or_no(value: Any) -> Any:
    """Python and pydantic take `true` for the number 1."""
    if isinstance(value, bool):
        raise ValueError("is yes or no, where a number is wanted")  # noqa: TRY004 -- pydantic wants a ValueError
    return value


def _secret(value: Any) -> Secret:
    parameters = Parameters({"": value})
    secret = parameters.secret("")
    try:
        parameters.check()
    except SettingsError as error:
        raise ValueError(error.faults[0].problem) from None
    if not isinstance(value, str | Secret):
        raise ValueError("is not a text")  # noqa: TRY004 -- likewise
    return secret


def _http_address(text: str, *, of: str = "PostHog", such_as: str = "https://us.i.posthog.com") -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine, parts = False, urlsplit("")
    if not fine or not text.isprintable() or any(map(str.isspace, text)):
        raise ValueError(f"is not an address such as {such_as}")
    if parts.username is not None or parts.query:
        raise ValueError(f"holds a user name, a password or a query, which no address of {of} has")
    return text.rstrip("/")


def _optional_http_address(text: str) -> str:
    return _http_address(text) if text else ""


def _endpoint(text: str) -> str:
    return _http_address(text, of="a store", such_as="https://minio.internal.example") if text else ""


def _moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime):
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("is no time such as 2026-11-21 or 2026-11-21T10:00:00Z")


def _listen_address(text: str) -> str:
    text = text.strip()
    if text in ("", OFF):
        return OFF
    if not _has_port(text):
        raise ValueError(f"is neither {OFF} nor an address and a port, such as 127.0.0.1:9464")
    return text


def _required_listen_address(text: str) -> str:
    text = text.strip()
    if not _has_port(text):
        raise ValueError("is not an address and a port, such as 127.0.0.1:8902")
    return text


def _has_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and port.isascii() and int(port) <= _HIGHEST_PORT


def _read_from(value: Any) -> Any:
    if value in ("earliest", "latest"):
        return value
    try:
        moment = _moment(value)
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("is neither earliest nor latest nor a time such as 2026-01-31T12:00:00Z")
    return moment.isoformat()


def _not_empty(value: Any) -> Any:
    if value == "":
        raise ValueError("is empty, where a path is wanted")
    return value


def _path_or_none(value: Any) -> Any:
    return None if value == "" else value


NUMBER = BeforeValidator(_no_yes_or_no)
"""Belongs into the annotation of every number, after its bounds."""
OptionalPlace: TypeAlias = Annotated[
    int | None,
    Field(ge=-_FARTHEST, le=_FARTHEST),
    NUMBER,
    WithJsonSchema({"type": "integer", "minimum": -_FARTHEST, "maximum": _FARTHEST}),
]
# Of something in PostHog; an empty one names nothing.
GivenName: TypeAlias = Annotated[str, Field(min_length=1)]
PluginName: TypeAlias = Annotated[str, Field(pattern=_NAME)]
HttpAddress: TypeAlias = Annotated[str, AfterValidator(_http_address)]
OptionalEndpoint: TypeAlias = Annotated[str, AfterValidator(_endpoint)]
OptionalMoment: TypeAlias = Annotated[
    datetime | None,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string"}),  # an editor takes TOML's own times for such texts
]
"""A time, or the beginning of a day; in UTC where it has no zone."""
ListenAddress: TypeAlias = Annotated[str, AfterValidator(_listen_address)]
OptionalHttpAddress: TypeAlias = Annotated[str, AfterValidator(_optional_http_address)]
RequiredListenAddress: TypeAlias = Annotated[str, AfterValidator(_required_listen_address)]
# A path or pattern; "-" is standard input.
PathText: TypeAlias = Annotated[
    str, Field(min_length=1), WithJsonSchema({"type": "string", "format": "path"})
]
RequiredPath: TypeAlias = Annotated[
    Path, BeforeValidator(_not_empty), WithJsonSchema({"type": "string", "format": "path"})
]
OptionalPath: TypeAlias = Annotated[
    Path | None, BeforeValidator(_path_or_none), WithJsonSchema({"type": "string", "format": "path"})
]
ReadFrom: TypeAlias = Annotated[str, BeforeValidator(_read_from)]
OptionalNumber: TypeAlias = Annotated[
    int | None, Field(ge=1), NUMBER, WithJsonSchema({"type": "integer", "minimum": 1})
]
SecretText: TypeAlias = Annotated[
    Secret,
    GetPydanticSchema(lambda _source, _next: core_schema.no_info_plain_validator_function(_secret)),
    PlainSerializer(lambda _secret: ""),
    WithJsonSchema({"type": "string", "writeOnly": True}),
]


def host_and_port(listen: str) -> tuple[str, int] | None:
    """The parts of a `ListenAddress`, the host without the brackets of IPv6; None when it is off."""
    if listen == OFF:
        return None
    host, _, port = listen.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
