"""The function that reads the records of a layout, as Python code.

Of what comes from records it holds the name of the event, in quotes.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ..events import utc_text
from ..exact_json import encode
from ..messages import Page, PageMessage, ScreenMessage, TrackMessage
from .autocapture import autocapture_words
from .context import CONTEXT_NAMES, CONTEXT_SCOPE, PAGE_FIELDS, context_code
from .fields import ATTRIBUTES, DECIMALS, UPDATES, Fields
from .given import CONTAINERS
from .known import KNOWN_NAMES, PLAIN_NAMES
from .names import VIEWS, WITH_PROPERTIES, Kind
from .prepared import Prepared
from .wanted import Updates
from .who import key_code

_UUID_LENGTH = 36
_MESSAGES = {
    Kind.PAGE: "PageMessage({head}, {name}, {category}, sent)",
    Kind.SCREEN: "ScreenMessage({head}, {screen_name}, {category}, sent)",
    Kind.TRACK: "TrackMessage({head}, event={event}, properties=sent)",
}


class _OfPerson(msgspec.Struct):
    person_properties: msgspec.Raw


_of_person = msgspec.json.Decoder(_OfPerson)


def person_text(record: bytes) -> bytes:
    """The text of the person's properties: few events bring news of a person, and only those need it."""
    return bytes(_of_person.decode(record).person_properties)


LAYOUT_SCOPE: dict[str, Any] = {
    **CONTEXT_SCOPE,
    "CONTAINERS": CONTAINERS,
    "NO_PAGE": Page(),
    "PageMessage": PageMessage,
    "Prepared": Prepared,
    "ScreenMessage": ScreenMessage,
    "TrackMessage": TrackMessage,
    "UNSET": msgspec.UNSET,
    "autocapture_words": autocapture_words,
    "dict": dict,
    "encode": encode,
    "hash": hash,
    "len": len,
    "person_text": person_text,
    "type": type,
    "utc_text": utc_text,
}
"""What that code calls, beside what is the layout's own."""


def layout_code(fields: Fields) -> str:
    """A function `read(given, record, memory)`; see `Row.read`.

    What is the layout's own, it finds beside `LAYOUT_SCOPE`: `layout`, `Sent`, `way`, `who_of`, `visitors`
    and `are_posthogs`.
    """
    return "\n".join(_function(fields))


def _function(fields: Fields) -> Iterable[str]:
    wanted, values = fields.wanted, fields.values
    yield "def read(given, record, memory):"
    yield "    uuid = given.uuid"
    yield f"    if len(uuid) != {_UUID_LENGTH} or uuid.isspace():"
    yield "        return None"
    yield "    known = given.known"
    decimals = [f"type({values[name]}) in CONTAINERS" for name in DECIMALS if name in values]
    if decimals:
        yield f"    if {' or '.join(decimals)}:"
        yield "        return None"
    # Among the user's own properties null is not nothing; for the mapping it is.
    not_null = {name: f"(None if {values[name]} is UNSET else {values[name]})" for name in fields.own}
    in_context = {name: not_null.get(name, value) for name, value in values.items() if name in CONTEXT_NAMES}
    ip = "given.ip" if wanted.sends_ip else None
    yield f"    given.context = context = {context_code(in_context, ip=ip)}"
    if wanted.kind in WITH_PROPERTIES:
        yield from _sent(fields)
    for name in fields.own:
        if name in KNOWN_NAMES:
            yield f"    {values[name]} = {not_null[name]}"
    if wanted.kind in WITH_PROPERTIES and wanted.updates is not Updates.ALL:
        yield from _message(fields)
    if fields.passed_on:
        yield "    if b'\\n' in record:"
        yield "        return None"
        yield "    record.decode()"
    if wanted.updates is not Updates.NOTHING:
        yield "    if given.person is not None:"
        yield "        given.person = person_text(record)"
    yield "    layout.trust += 1"
    yield "    return way(given, memory)"


def _sent(fields: Fields) -> Iterable[str]:
    """The properties that are sent: the own ones, which stand in for the page's of the same names."""
    values, own, campaign = fields.values, fields.own, fields.campaign
    codes = {name: values[name] for name in own}
    nothing = [f"{' is '.join(codes.values())} is UNSET"] if own else []
    if fields.wanted.kind in VIEWS:
        yield "    page = context.page or NO_PAGE"
        nothing = ["page is NO_PAGE", *nothing]
        for name in PAGE_FIELDS:
            code = f"UNSET if page.{name} is None else page.{name}"
            codes[name] = (
                f"{values[name]} if {values[name]} is not UNSET else {code}" if name in own else code
            )
    listed = [codes[name] for name in fields.sent if name in codes]
    made = f"None if {' and '.join(nothing)} else Sent({', '.join(listed)})" if nothing else "None"
    if campaign:
        # Most sessions do not come by a campaign, and have none of them.
        there = [values[name] for name in campaign]
        listed += [f"UNSET if {code} is None else {code}" for code in there]
        made = f"({made}) if {' is '.join(there)} is None else Sent({', '.join(listed)})"
    yield f"    given.sent = sent = {made}"


def _message(fields: Fields) -> Iterable[str]:
    """What most events come to: one message, since they bring no news of a person or an account."""
    wanted, values = fields.wanted, fields.values
    # It tells who, and the id among the properties is not asked for.
    yield "    if not given.distinct_id or given.distinct_id.isspace():"
    yield "        return None"
    yield f"    key = {key_code(values)}"
    yield "    who = visitors.get(hash(key))"
    yield "    if who is None or (who.key is not None and who.key != key):"
    yield "        who = visitors.add(key, who_of(given))"
    conditions = ["(who.epoch is memory.epoch or who.is_told(memory))"]
    if not wanted.sends_anonymous:
        conditions.append("who.user_id is not None")
    if wanted.updates is Updates.USERS:
        updates = [values[name] for name in UPDATES if name in values]
        conditions += [
            f"({code} is None or (type({code}) is dict and are_posthogs({code})))" for code in updates
        ]
    message = _MESSAGES[wanted.kind].format(
        head="uuid, utc_text(given.timestamp), who.user_id, who.anonymous_id, context",
        event="autocapture_words(given)" if wanted.event == "$autocapture" else repr(wanted.event),
        **{ATTRIBUTES[name]: values.get(name, "None") for name in PLAIN_NAMES},
    )
    yield f"    if {' and '.join(conditions)}:"
    yield "        context.group_id = who.group_id"
    yield f"        body = encode({message})"
    if fields.passed_on:
        # What is sent as it stands is JSON; whether it is UTF-8, and on one line, nobody has looked.
        yield "        if b'\\n' in body:"
        yield "            return None"
        yield "        if not body.isascii():"
        yield "            body.decode()"
    yield "        layout.trust += 1"
    yield f"        return Prepared(given.distinct_id, {str(wanted.kind)!r}, body, (), (), record)"
