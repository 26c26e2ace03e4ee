"""From the text of a `plugin.json` to a `Manifest`, with all that is wrong with it at once."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InvalidRecord, UsageError
from ..exact_json import decode
from .likeness import nearest
from .model import Condition, Manifest, Parameter, ParameterType
from .values import as_text

# Of a name that is almost one of PostHog's; what is like none is somebody else's, and passed over.
_SLIP = 0.8
_LAST = float("inf")


def load_manifest(text: bytes, *, where: str) -> Manifest:
    """Read the text of a `plugin.json`.

    Args:
        text: The JSON.
        where: The file, for messages.

    Raises:
        UsageError: when it cannot be used, with everything that is wrong, and where.
    """
    try:
        read = decode(text)
    except InvalidRecord as error:
        raise UsageError(f"{where} is not a plugin.json: {error}") from error
    reading = _Reading()
    manifest = reading.manifest(read)
    if len(reading.faults) == 1:
        raise UsageError(f"{where} is not a plugin.json: {reading.faults[0]}")
    if reading.faults or manifest is None:
        lines = "".join(f"\n  {fault}" for fault in reading.faults)
        raise UsageError(f"{where} is not a plugin.json:{lines}")
    return manifest


class _Reading:
    """Reads the parts, and notes what is wrong with them; a part that will not do counts as missing."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, place: str, problem: str) -> None:
        self.faults.append(f"{place}: {problem}")

    def manifest(self, read: Any) -> Manifest | None:
        if not isinstance(read, dict):
            self.faults.append(f"it is {_kind(read)}, and should be an object")
            return None
        if not isinstance(read.get("name"), str) or not read["name"].strip():
            self.fault("name", "is required, and is the text that the plugin is called by")
        entries = list(self._entries(read.get("config")))
        keys = [table["key"] for _, table in entries if isinstance(table.get("key"), str)]
        parameters = [self._parameter(place, table, keys) for place, table in entries]
        self._refuse_twins(entries)
        return Manifest(
            name=str(read.get("name")),
            main=self._text(read, "main", ""),
            url=self._text(read, "url", ""),
            description=self._text(read, "description", ""),
            posthog_version=self._text(read, "posthogVersion", ""),
            config=tuple(parameters),
        )

    def _entries(self, config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each with its place. An object has the keys outside, and is sorted as PostHog's form is."""
        if isinstance(config, dict):
            found = [
                (f"config.{key}", {**table, "key": key} if isinstance(table, dict) else table)
                for key, table in config.items()
            ]
            found.sort(key=lambda entry: _order(entry[1]))
        elif isinstance(config, list):
            found = [(f"config[{number}]", table) for number, table in enumerate(config)]
        else:
            found = []
            if config is not None:
                self.fault("config", f"is {_kind(config)}, and should be a list or an object")
        for place, table in found:
            if isinstance(table, dict):
                yield place, table
            else:
                self.fault(place, f"is {_kind(table)}, and should be an object")

    def _refuse_twins(self, entries: Sequence[tuple[str, dict[str, Any]]]) -> None:
        first: dict[str, str] = {}
        for place, table in entries:
            key = table.get("key")
            if isinstance(key, str) and key and first.setdefault(key, place) != place:
                self.fault(f"{place}.key", f"{key!r} is the key of {first[key]}, too")

    def _parameter(self, place: str, table: dict[str, Any], keys: Sequence[str]) -> Parameter:
        for name in table:
            if name not in _NAMES and (meant := nearest(name, _NAMES, likeness=_SLIP)):
                self.fault(f"{place}.{name}", f"there is no such part of a parameter{meant}")
        if not table.get("key") and not table.get("markdown"):
            self.fault(place, "has neither a key, which makes it a parameter, nor markdown")
        kind = self._type(place, table)
        choices = self._choices(place, table, kind)
        return Parameter(
            key=self._text(table, "key", place),
            name=self._text(table, "name", place),
            type=kind or ParameterType.STRING,
            default=self._default(place, table, kind, choices),
            hint=self._text(table, "hint", place),
            required=self._yes(table, "required", place),
            secret=self._yes(table, "secret", place),
            choices=choices,
            order=self._number(table, "order", place),
            markdown=self._text(table, "markdown", place),
            required_if=tuple(self._conditions(table, "required_if", place, keys)),
            visible_if=tuple(self._conditions(table, "visible_if", place, keys)),
        )

    def _type(self, place: str, table: dict[str, Any]) -> ParameterType | None:
        """None when it is none."""
        given = table.get("type")
        if given is None:
            return ParameterType.STRING
        if given in list(ParameterType):
            return ParameterType(given)
        self.fault(f"{place}.type", f"{given!r} is none of {', '.join(ParameterType)}")
        return None

    def _choices(self, place: str, table: dict[str, Any], kind: ParameterType | None) -> tuple[str, ...]:
        given = table.get("choices")
        where = f"{place}.choices"
        if kind is ParameterType.CHOICE:
            if isinstance(given, list) and given and all(isinstance(choice, str) for choice in given):
                return tuple(given)
            self.fault(where, "a choice needs a list of texts to choose from")
        elif given is not None and kind is not None:
            self.fault(where, f"only a parameter of type choice has them, and this one is a {kind}")
        return ()

    def _default(
        self, place: str, table: dict[str, Any], kind: ParameterType | None, choices: tuple[str, ...]
    ) -> Any:
        given = table.get("default")
        where = f"{place}.default"
        if kind is ParameterType.JSON:
            if isinstance(given, str):
                try:
                    return decode(given.encode(errors="surrogateescape")) if given else None
                except InvalidRecord:
                    self.fault(where, f"{given[:60]!r} is no JSON")
            return given
        if given is None or given == "":
            return ""
        text = as_text(given)
        if kind is ParameterType.ATTACHMENT:
            self.fault(where, "an attachment has no default")
        elif text is None:
            self.fault(where, f"is {_kind(given)}, and should be a text")
        elif choices and text not in choices:
            self.fault(where, f"{text!r} is none of {', '.join(choices)}")
        return text

    def _conditions(
        self, table: dict[str, Any], name: str, place: str, keys: Sequence[str]
    ) -> Iterator[Condition]:
        given = table.get(name)
        if given is not None and not isinstance(given, list):
            self.fault(f"{place}.{name}", "is a list of pairs, such as [['plan', 'paid']]")
            return
        for number, pair in enumerate(given or ()):
            where = f"{place}.{name}[{number}]"
            if not isinstance(pair, list) or not pair or len(pair) > _PAIR or not isinstance(pair[0], str):
                self.fault(where, "is [key, value], or [key] for any value")
                continue
            value = as_text(pair[1]) if len(pair) == _PAIR and pair[1] is not None else None
            if pair[0] == table.get("key"):
                self.fault(where, "depends on itself")
            elif pair[0] not in keys:
                self.fault(where, f"there is no parameter {pair[0]!r}{nearest(pair[0], keys)}")
            elif len(pair) == _PAIR and pair[1] is not None and value is None:
                self.fault(where, f"the value is {_kind(pair[1])}, and should be a text")
            else:
                yield Condition(key=pair[0], value=value)

    def _text(self, table: dict[str, Any], name: str, place: str) -> str:
        given = table.get(name)
        if given is None or isinstance(given, str):
            return given or ""
        self._mistyped(place, name, given, "a text")
        return ""

    def _yes(self, table: dict[str, Any], name: str, place: str) -> bool:
        given = table.get(name)
        if given is not None and not isinstance(given, bool):
            self._mistyped(place, name, given, "true or false")
        return given is True

    def _number(self, table: dict[str, Any], name: str, place: str) -> float | None:
        given = table.get(name)
        if given is None or (isinstance(given, int | float) and not isinstance(given, bool)):
            return given
        self._mistyped(place, name, given, "a number")
        return None

    def _mistyped(self, place: str, name: str, given: Any, wanted: str) -> None:
        self.fault(f"{place}.{name}".lstrip("."), f"is {_kind(given)}, and should be {wanted}")


_PAIR = 2
_NAMES = Parameter.__struct_fields__


def _order(table: Any) -> float:
    """PostHog's form puts what has none, or 0, at the end."""
    order = table.get("order") if isinstance(table, dict) else None
    return order if isinstance(order, int | float) and order else _LAST


def _kind(value: Any) -> str:
    """What JSON calls it."""
    if value is None:
        return "null"
    kinds: dict[type, str] = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")
