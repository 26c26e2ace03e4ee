"""`plugin.json`: what a plugin is called, where its class is, and which parameters it takes.

The format is PostHog's (posthog.com/docs/apps/build/reference, "plugin.json file").
"""

from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import msgspec

from .errors import Fault, SettingsError, UsageError


class ParameterType(StrEnum):
    """PostHog's types; numbers and lists are strings there."""

    STRING = "string"
    CHOICE = "choice"
    ATTACHMENT = "attachment"
    JSON = "json"


class Parameter(msgspec.Struct, frozen=True):
    """One entry of `config`: a parameter, or text between parameters where it has no key."""

    key: str = ""
    name: str = ""
    type: ParameterType = ParameterType.STRING
    default: Any = ""
    hint: str = ""
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    order: int | None = None
    markdown: str = ""


class Manifest(msgspec.Struct, frozen=True, rename={"posthog_version": "posthogVersion"}):
    """A `plugin.json`, read."""

    name: str
    main: str = ""
    url: str = ""
    description: str = ""
    posthog_version: str = ""
    config: tuple[Parameter, ...] = ()

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by key, in their order."""
        return {parameter.key: parameter for parameter in self.config if parameter.key}

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values with the defaults for what is missing.

        Raises:
            SettingsError: with every key that is unknown, missing or none of its choices.
        """
        parameters = self.parameters
        faults = [
            Fault(key=key, problem=f"unknown setting{nearest(key, parameters)}")
            for key in values
            if key not in parameters
        ]
        completed = {}
        for key, parameter in parameters.items():
            value = values.get(key)
            given = value is not None and value != ""
            completed[key] = value if given else parameter.default
            if not given and parameter.required and not parameter.default:
                faults.append(Fault(key=key, problem="is required and has no value"))
            elif given and parameter.choices and (chosen := _choice(value, parameter.choices)):
                completed[key] = chosen
            elif given and parameter.choices:
                shown = "this value" if parameter.secret else repr(str(value)[:60])
                faults.append(Fault(key=key, problem=f"{shown} is none of {', '.join(parameter.choices)}"))
        if faults:
            raise SettingsError(faults)
        return completed


def load_manifest(text: bytes, *, where: str) -> Manifest:
    """Read the text of a `plugin.json`.

    Raises:
        UsageError: when it is no manifest, with what is wrong and where.
    """
    try:
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{where} is not a plugin.json: {error}") from error


def nearest(name: str, known: Mapping[str, object]) -> str:
    """`; did you mean X?`, where something known is near."""
    folded = {key.casefold(): key for key in known}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[found[0]]}?" if found else ""


_TRUE = frozenset(["yes", "true", "on", "1"])
_FALSE = frozenset(["no", "false", "off", "0"])


def _choice(value: Any, choices: tuple[str, ...]) -> str | None:
    """The choice that is meant: in any case, and with every usual word for yes and no."""
    text = str(value).strip().lower()
    for choice in choices:
        if text == choice.lower() or any({text, choice.lower()} <= words for words in (_TRUE, _FALSE)):
            return choice
    return None
