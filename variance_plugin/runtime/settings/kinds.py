"""The kinds of value that a setting may have, beside text: how each is checked, and told to editors."""

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


def _http_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine, parts = False, urlsplit("")
    if not fine or not text.isprintable() or any(map(str.isspace, text)):
        raise ValueError("is not an address such as https://us.i.posthog.com")
    if parts.username is not None or parts.query:
        raise ValueError("holds a user name, a password or a query, which no address of PostHog has")
    return text.rstrip("/")


def _listen_address(text: str) -> str:
    text = text.strip()
    if text in ("", OFF):
        return OFF
    host, colon, port = text.rpartition(":")
    if not host or not colon or not port.isdecimal() or not port.isascii() or int(port) > _HIGHEST_PORT:
        raise ValueError(f"is neither {OFF} nor an address and a port, such as 127.0.0.1:9464")
    return text


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
PluginName: TypeAlias = Annotated[str, Field(pattern=_NAME)]
HttpAddress: TypeAlias = Annotated[str, AfterValidator(_http_address)]
ListenAddress: TypeAlias = Annotated[str, AfterValidator(_listen_address)]
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
