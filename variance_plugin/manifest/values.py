"""What a user gave for a plugin's parameters: checked, and each as its type has it."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..errors import Fault, InvalidRecord, SettingsError
from ..exact_json import decode
from ..secret import Secret
from .likeness import nearest

if TYPE_CHECKING:
    from .model import Condition, Parameter

_SHOWN_CHARACTERS = 60


def complete(parameters: Mapping[str, "Parameter"], values: Mapping[str, Any]) -> dict[str, Any]:
    """See `Manifest.complete`."""
    faults = [
        Fault(key=key, problem=f"unknown setting{nearest(key, parameters)}")
        for key in values
        if key not in parameters
    ]
    completed = {}
    problems = {}
    for key, parameter in parameters.items():
        value = values.get(key)
        completed[key] = parameter.default
        if _is_given(value):
            try:
                completed[key] = _typed(parameter, value)
            except ValueError as error:
                problems[key] = str(error)
    for key, parameter in parameters.items():
        if key in problems:
            faults.append(Fault(key=key, problem=problems[key]))
        elif not _is_given(completed[key]) and (reason := _why_required(parameter, completed)) is not None:
            faults.append(Fault(key=key, problem=f"is required{reason} and has no value"))
    if faults:
        raise SettingsError(faults)
    return completed


def _is_given(value: Any) -> bool:
    return value is not None and value != "" and (bool(value) or not isinstance(value, Secret))


def _why_required(parameter: "Parameter", completed: Mapping[str, Any]) -> str | None:
    """In words that may be empty; None when it is not."""
    if not _hold(parameter.visible_if, completed):
        return None
    if parameter.required:
        return ""
    if parameter.required_if and _hold(parameter.required_if, completed):
        return f", since {' and '.join(map(str, parameter.required_if))},"
    return None


def _hold(conditions: Iterable["Condition"], completed: Mapping[str, Any]) -> bool:
    for condition in conditions:
        value = _plain(completed.get(condition.key))
        if not (_is_given(value) if condition.value is None else value == condition.value):
            return False
    return True


def _typed(parameter: "Parameter", value: Any) -> Any:
    """The value as the parameter's type has it.

    Raises:
        ValueError: when it cannot be one; the text is for the user.
    """
    shown = "this value" if parameter.secret else repr(str(_plain(value))[:_SHOWN_CHARACTERS])
    typed = _TYPES[parameter.type](parameter, _plain(value), shown)
    return Secret(typed) if isinstance(value, Secret) and isinstance(typed, str) else typed


def _plain(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _string(_parameter: "Parameter", value: Any, shown: str) -> Any:
    if isinstance(value, list | tuple):
        if all(isinstance(element, str) for element in value):
            return value
        raise ValueError(f"{shown} is a list of other things than texts")
    text = as_text(value)
    if text is None:
        raise ValueError(f"is a {type(value).__name__}, and takes a text")
    return text


def _chosen(parameter: "Parameter", value: Any, shown: str) -> str:
    text = str(value).strip().lower()
    for choice in parameter.choices:
        if text == choice.lower() or any({text, choice.lower()} <= words for words in (_TRUE, _FALSE)):
            return choice
    raise ValueError(f"{shown} is none of {', '.join(parameter.choices)}")


def _json(_parameter: "Parameter", value: Any, shown: str) -> Any:
    if not isinstance(value, str):
        return value  # TOML has tables and lists of its own
    try:
        return decode(value.encode(errors="surrogateescape"))
    except InvalidRecord as error:
        raise ValueError(f"{shown} is no JSON") from error


def _attachment(_parameter: "Parameter", value: Any, shown: str) -> Any:
    # A test may give the file itself.
    if isinstance(value, str) or hasattr(value, "contents"):
        return value
    raise ValueError(f"{shown} is no path of a file")


_TYPES: dict[str, Callable[["Parameter", Any, str], Any]] = {
    "string": _string,
    "choice": _chosen,
    "json": _json,
    "attachment": _attachment,
}
_TRUE = frozenset(["yes", "true", "on", "1"])
_FALSE = frozenset(["no", "false", "off", "0"])


def as_text(value: Any) -> str | None:
    """A text, or a number, `true` or `false` as one; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float | Decimal) else None
