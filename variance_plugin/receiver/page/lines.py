"""A message in one line, for lists of them."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from ..message import Invalid, MessageType, read_message, text
from ..payload import decode
from ..records import Company, Person, Visitor
from ..store import Entry, Store

# A line is looked at in passing.
_NAMED: Final = 4
_VALUE_CHARACTERS: Final = 60


class Ref(msgspec.Struct, frozen=True):
    """Someone or an account, enough to show and to link to."""

    kind: str
    """`contact`, `user` (who was not identified yet), `visitor` or `account`."""
    id: str
    name: str

    @classmethod
    def to(cls, known: Person | Visitor | Company) -> "Ref":
        """The reference."""
        match known:
            case Person():
                kind = "contact" if known.identified else "user"
                return cls(kind, known.user_id, known.name or known.email or known.user_id)
            case Visitor():
                return cls("visitor", known.anonymous_id, known.anonymous_id)
            case Company():
                return cls("account", known.account_id, known.name)


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message."""

    number: int
    type: MessageType
    time: float
    """When it arrived."""
    happened: float
    """When it happened, by its own words."""
    title: str
    """What happened: the event, the page, who became whom."""
    detail: str = ""
    who: Ref | None = None
    account: Ref | None = None


def lines(entries: Sequence[Entry], store: Store) -> list[Line]:
    """Each with who it is about by now."""
    owners = store.owners({entry.owner for entry in entries})
    return [_line(entry, owners.get(entry.owner), store) for entry in entries]


def _line(entry: Entry, owner: Person | Visitor | None, store: Store) -> Line:
    title, detail = _told(entry)
    company = None if entry.account_id is None else store.company(entry.account_id)
    message = read_message(entry.raw)
    happened = None if isinstance(message, Invalid) else message.seconds
    return Line(
        number=entry.number,
        type=entry.type,
        time=entry.received,
        happened=entry.received if happened is None else happened,
        title=title,
        detail=detail,
        who=None if owner is None else Ref.to(owner),
        account=None if company is None else Ref.to(company),
    )


def _told(entry: Entry) -> tuple[str, str]:
    try:
        message = decode(entry.raw)
    except RecursionError:  # as deep as could just be read when it came
        return "nested too deeply to be shown", ""
    if not isinstance(message, dict):
        return "", ""
    properties, traits = _object(message.get("properties")), _object(message.get("traits"))
    match entry.type:
        case MessageType.TRACK:
            return text(message.get("event")) or "", _pairs(properties)
        case MessageType.PAGE | MessageType.SCREEN:
            title = _first(message.get("name"), *map(properties.get, ("title", "path", "url")))
            return title, _first(*map(properties.get, ("url", "path")))
        case MessageType.ALIAS:
            return f"{message.get('previousId')} is {message.get('userId')}", ""
        case MessageType.GROUP:
            return _first(traits.get("name"), entry.account_id), _pairs(traits)
        case _:
            return ", ".join(islice(traits, _NAMED)), _pairs(traits)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _first(*values: object) -> str:
    return next((told for told in map(text, values) if told), "")


def _pairs(values: Mapping[str, object]) -> str:
    told = (
        f"{name}: {value[:_VALUE_CHARACTERS]}" for name, given in values.items() if (value := text(given))
    )
    return ", ".join(islice(told, _NAMED))
