"""`meta.config` and `meta.attachments`: a plugin's parameters, as the plugin gets them."""

import mimetypes
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Fault, SettingsError
from ...hooks import Attachment
from ...manifest import Manifest, Parameter, ParameterType
from ...secret import Secret

# Attachments are lists, keys and small databases, and they are held in memory.
MOST_ATTACHMENT_BYTES = 20_000_000
_ANY_CONTENT = "application/octet-stream"


class ConfigValues(dict[str, Any]):
    """A plugin's `config`: plain values, as PostHog's plugins know them; no secret is in its repr."""

    def __init__(self, values: Mapping[str, Any], secret: Collection[str]) -> None:
        super().__init__(values)
        self._secret = frozenset(secret)

    def __repr__(self) -> str:
        shown = {key: "***" if key in self._secret and value else value for key, value in self.items()}
        return repr(shown)

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginValues:
    """What a plugin is configured with."""

    config: ConfigValues
    """By key, without the attachments."""
    attachments: Mapping[str, Attachment]
    """By key, those that were given; read when the plugin is loaded."""


def plugin_values(manifest: Manifest, given: Mapping[str, Any]) -> PluginValues:
    """Check what the user gave, and read the files.

    Args:
        manifest: The plugin's.
        given: By key; a secret may be a `Secret`, an attachment is a path, or an `Attachment` in a test.

    Raises:
        SettingsError: With all that is wrong.
    """
    faults: list[Fault] = []
    try:
        completed = manifest.complete(given)
    except SettingsError as error:
        faults += error.faults
        wrong = {fault.key for fault in faults}
        completed = {key: given.get(key) for key in manifest.parameters if key not in wrong}
    config, attachments = {}, {}
    for key, value in completed.items():
        parameter = manifest.parameters[key]
        try:
            if parameter.type is not ParameterType.ATTACHMENT:
                config[key] = _plain(value, parameter)
            elif value:
                attachments[key] = value if isinstance(value, Attachment) else _read(value)
        except ValueError as error:
            faults.append(Fault(key=key, problem=str(error)))
    if faults:
        raise SettingsError(faults)
    secret = [key for key, parameter in manifest.parameters.items() if parameter.secret]
    return PluginValues(config=ConfigValues(config, secret), attachments=attachments)


def _plain(value: Any, parameter: Parameter) -> Any:
    """As PostHog has it: a secret is a text, and so is a list of names, with commas."""
    if isinstance(value, Secret):
        return value.reveal()
    if parameter.type is ParameterType.STRING and isinstance(value, list | tuple):
        if any("," in str(name) for name in value):
            raise ValueError("one of the texts in the list holds a comma, which would separate it in two")
        return ", ".join(map(str, value))
    return value


def _read(path: Any) -> Attachment:
    """A file as an attachment.

    Raises:
        ValueError: When it cannot be read, or is too large, in the user's words.
    """
    file = Path(str(path))
    try:
        if file.stat().st_size > MOST_ATTACHMENT_BYTES:
            raise ValueError(f"{file} is larger than {MOST_ATTACHMENT_BYTES:,} bytes")
        contents = file.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error
    content_type = mimetypes.guess_type(file.name)[0] or _ANY_CONTENT
    return Attachment(file_name=file.name, content_type=content_type, contents=contents)
