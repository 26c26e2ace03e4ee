"""One event on a terminal: where it stood, who it is about, what is sent, or why not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.text import Text

from ..exact_json import decode, encode
from ..mapping import MappingSettings
from ..plurals import many
from .difference import Differences, account_rule
from .wording import printable, shortened

if TYPE_CHECKING:
    from .preview_run import Seen

_COLOURS = {
    "page": "blue",
    "screen": "cyan",
    "track": "green",
    "identify": "magenta",
    "group": "yellow",
    "alias": "red",
}
# Where there is no screen whose width would say so.
_LONGEST_LINE = 240
_LONGEST_ID = 40
# A visitor's is a UUID; the line above has all of it.
_LONGEST_VISITOR = 24
_LONGEST_VALUE = 60


class Screen:
    """Prints events, and counts them for the last lines."""

    def __init__(self, settings: MappingSettings) -> None:
        self._rule = account_rule(settings)
        self._differences = Differences(settings)
        self._console = Console(highlight=False, soft_wrap=True)
        self._width = self._console.width if self._console.is_terminal else _LONGEST_LINE
        self._counts: Counter[str] = Counter()

    def show(self, seen: "Seen") -> None:
        """One event, a few lines."""
        self._console.print(Text("\n").join(_cut(line, self._width) for line in self._lines(seen)))
        self._counts["messages"] += len(seen.bodies)
        self._counts[_end(seen)] += 1

    def close(self) -> int:
        """The last lines; returns how many events are unusable."""
        counts = self._counts
        sent = f"{many(counts['sent'], 'event')} would be sent as {many(counts['messages'], 'message')}"
        parts = [sent, f"{counts['skipped']:,} left out"]
        if counts["unusable"]:
            parts.append(f"{counts['unusable']:,} cannot be sent")
        for text in (
            f"\nContacts find their accounts {self._rule}.",
            ", ".join(parts) + ". Nothing was sent.",
        ):
            self._console.print(Text(text), soft_wrap=not self._console.is_terminal)
        return counts["unusable"]

    def _lines(self, seen: "Seen") -> Iterator[Text]:
        head = Text().append(str(seen.position), style="dim")
        if seen.name:
            head.append("  ").append(printable(seen.name), style="bold")
        if about := [text for text in (_id(seen.distinct_id), _id(seen.timestamp)) if text]:
            head.append("  " + "  ".join(about), style="dim")
        yield head
        messages = [decode(body) for body in seen.bodies]
        yield from map(_message, messages)
        for difference in self._differences.of(messages):
            yield Text(f"  → {difference}")
        if seen.unusable is not None:
            yield Text(f"  cannot be sent: {printable(seen.unusable)}", style="bold red")
        elif seen.skipped is not None:
            yield Text(f"  left out: {seen.skipped}", style="dim")


def _end(seen: "Seen") -> str:
    if seen.unusable is not None:
        return "unusable"
    return "skipped" if seen.skipped is not None else "sent"


def _message(message: Mapping[str, Any]) -> Text:
    type_ = str(message["type"])
    line = Text().append(f"  {type_:<9}", style=_COLOURS.get(type_, ""))
    line.append("  ".join([_who(message), *_account(message), *_name(message)]))
    values = message.get("traits") if type_ in ("identify", "group") else message.get("properties")
    if isinstance(values, dict):
        line.append("  " + " ".join(_pairs(values)), style="dim")
    return line


def _who(message: Mapping[str, Any]) -> str:
    user_id, anonymous_id = _id(message.get("userId")), _id(message.get("anonymousId"))
    if "previousId" in message:
        return f"{_id(message['previousId'])} becomes {user_id}"
    return user_id or f"anonymous {shortened(anonymous_id, _LONGEST_VISITOR)}"


def _account(message: Mapping[str, Any]) -> Iterator[str]:
    """By group, else by the company among the traits."""
    context, traits = message.get("context"), message.get("traits")
    group_id = message.get("groupId") or (context.get("groupId") if isinstance(context, dict) else None)
    company = traits.get("company") if isinstance(traits, dict) else None
    if group_id is None and isinstance(company, dict):
        group_id = company.get("name", company.get("id"))
    if group_id is not None:
        yield f"@ {_id(group_id)}"


def _name(message: Mapping[str, Any]) -> Iterator[str]:
    name = message.get("event", message.get("name"))
    if name is not None:
        yield f"“{_id(name)}”"


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{printable(key)}={shortened(printable(encode(value).decode()), _LONGEST_VALUE)}"


def _id(value: object) -> str:
    return "" if value is None or value is msgspec.UNSET else shortened(printable(str(value)), _LONGEST_ID)


def _cut(line: Text, width: int) -> Text:
    if line.cell_len > width:
        line.truncate(width, overflow="ellipsis")
    return line
