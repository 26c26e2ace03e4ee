"""Options that several commands share, as one parameter of each.

Typer makes one option of one parameter. Here a parameter may be a dataclass, with one option for each of its
fields; so options that belong together are declared once, and handed on as what they are.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Any


def ungrouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer takes it: with the fields of its dataclasses in their places."""
    signature = inspect.signature(command)
    groups: dict[str, Any] = {
        one.name: one.annotation for one in signature.parameters.values() if is_dataclass(one.annotation)
    }
    members = {name: fields(group) for name, group in groups.items()}

    @wraps(command)
    def call(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{member.name: given.pop(member.name) for member in members[name]})
        command(**given)

    parameters = [*_options(signature.parameters.values(), members)]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def _options(
    parameters: Iterable[Parameter], members: Mapping[str, tuple[Field[Any], ...]]
) -> Iterator[Parameter]:
    for one in parameters:
        if one.name not in members:
            yield one
        for member in members.get(one.name, ()):
            yield one.replace(name=member.name, default=member.default, annotation=member.type)
