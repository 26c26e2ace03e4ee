"""A manifest and its parameters, as values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from .values import complete


class ParameterType(StrEnum):
    """PostHog's types; numbers and lists are strings there."""

    STRING = "string"
    CHOICE = "choice"
    ATTACHMENT = "attachment"
    JSON = "json"


class Condition(msgspec.Struct, frozen=True):
    """Holds when another parameter has this value, its default included; None: when it has any at all.

    As PostHog's forms read it (`doFieldRequirementsMatch` of its front end).
    """

    key: str
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.key} has a value" if self.value is None else f"{self.key} is {self.value}"


class Parameter(msgspec.Struct, frozen=True):
    """One entry of `config`: a parameter, or text between parameters where it has no key."""

    key: str = ""
    name: str = ""
    type: ParameterType = ParameterType.STRING
    default: Any = ""
    """A text; of the type `json` any value."""
    hint: str = ""
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    order: float | None = None
    """Its place in PostHog's form, where `config` is an object; a list has its own order."""
    markdown: str = ""
    required_if: tuple[Condition, ...] = ()
    """It is required when all of them hold; there are none for never."""
    visible_if: tuple[Condition, ...] = ()
    """PostHog's form shows it when all of them hold; what is not shown is not required."""


class Manifest(msgspec.Struct, frozen=True):
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
        """The values, each as its parameter's type, with the defaults for what is missing.

        A text comes as it was given, a number in its place becomes text; a list of texts stays one, and a
        `Secret` too. A choice is spelled as in the manifest, JSON is decoded, an attachment is its path.

        Raises:
            SettingsError: with every key that is unknown or missing, and every value that will not do.
        """
        return complete(self.parameters, values)
