"""What PostHog makes of a capture request before anybody else sees its events.

The rules were read in PostHog's source as of autumn 2026: rust/capture (ids, tokens, times),
nodejs/src/common/utils/event.ts and db/utils.ts (person updates), ingestion/common/create-event.ts
(elements, personless events), ingestion/event-processing/groups.ts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from .persons import Persons

TEAM_ID = 7

# How long after its capture an event is written; long enough to be seen in the rows.
_INGESTION_TIME = timedelta(milliseconds=1091)
_MAX_NAME_LENGTH = 200

# JavaScript writes whole numbers below this with all their digits, beyond it with an exponent.
_JAVASCRIPT_EXPONENT_FROM = 1e21

_PERSON_KEYS = (
    *("$app_build", "$app_name", "$app_namespace", "$app_version"),
    *("$browser", "$browser_version", "$device_type", "$current_url", "$pathname"),
    *("$os", "$os_name", "$os_version", "$referring_domain", "$referrer"),
    *("$screen_height", "$screen_width", "$viewport_height", "$viewport_width", "$raw_user_agent"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_name", "utm_term"),
    *("gclid", "gad_source", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid"),
    *("li_fat_id", "mc_cid", "igshid", "ttclid", "rdt_cid", "irclid", "_kx", "epik", "qclid", "sccid"),
)
_HOST_KEYS = {"$os", "$os_version"}
_ABOUT_PERSONS = {"$identify", "$create_alias", "$merge_dangerously", "$groupidentify"}
_BLOAT = {"ph_product_tours", "$product_tours_activated", "$override_feature_flag_payloads"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as ingestion leaves it."""

    recording: str
    uuid: str
    event: str
    distinct_id: str
    properties: dict[str, Any]
    elements_chain: str
    timestamp: datetime
    captured_at: datetime
    created_at: datetime
    person_id: str
    person_properties: dict[str, Any]
    person_created_at: datetime
    person_mode: str


class Project:
    """One PostHog project: who is known so far, and which types of groups."""

    def __init__(self) -> None:
        self._persons = Persons(TEAM_ID)
        self._group_types: list[str] = []
        self._events = 0

    def ingest(self, recording: str, line: str, *, ip: str) -> Iterator[StoredEvent]:
        """The events of one recorded request, in order."""
        request = json.loads(line, parse_int=_javascript_number, parse_float=_javascript_number)
        sent_at = request.get("sent_at") or request.get("sentAt")
        for event in request["batch"]:
            self._events += 1
            event["properties"] = _merged(event, ip=ip, sent_at=request.get("sent_at"))
            # Captured when it was sent: the client's clock is taken to be right.
            stored = self._store(recording, event, captured_at=_time(sent_at or event["timestamp"]))
            if stored is not None:
                yield stored

    def _store(self, recording: str, event: dict[str, Any], *, captured_at: datetime) -> StoredEvent | None:
        name = event["event"][:_MAX_NAME_LENGTH]
        properties: dict[str, Any] = event["properties"]
        distinct_id = str(event.get("distinct_id") or properties["distinct_id"])[:_MAX_NAME_LENGTH]
        personless = properties.get("$process_person_profile") is False
        if personless and name in _ABOUT_PERSONS:
            return None
        _lift_person_properties(properties)
        if personless or name == "$groupidentify":
            for key in ("$set", "$set_once", "$unset"):
                properties.pop(key, None)
        if not personless:
            properties.pop("$process_person_profile", None)
        for key in _BLOAT:
            properties.pop(key, None)
        elements_chain = properties.pop("$elements_chain", "")
        timestamp = _time(event["timestamp"])
        uuid = self._uuid(event)
        self._merge(name, distinct_id, properties, at=timestamp)
        person = self._persons.find(distinct_id)
        if not personless:
            self._add_groups(name, properties)
            person = self._persons.update(distinct_id, by=properties, event_uuid=uuid, at=timestamp)
        created_at = captured_at + _INGESTION_TIME
        return StoredEvent(
            recording=recording,
            uuid=uuid,
            event=name,
            distinct_id=distinct_id,
            properties=properties,
            elements_chain=elements_chain,
            timestamp=timestamp,
            captured_at=captured_at,
            created_at=created_at,
            person_id=person.uuid if person else self._persons.uuid(distinct_id),
            person_properties={} if person is None or personless else dict(person.properties),
            person_created_at=person.created_at if person else created_at,
            person_mode="propertyless" if personless else "full",
        )

    def _uuid(self, event: dict[str, Any]) -> str:
        """The SDK's own id, else one in place of the random one that capture would give it."""
        try:
            return str(UUID(event["uuid"]))
        except (KeyError, ValueError):
            return str(uuid5(NAMESPACE_URL, f"https://app.acme.example/events/{self._events}"))

    def _merge(self, name: str, distinct_id: str, properties: dict[str, Any], *, at: datetime) -> None:
        other = properties.get("$anon_distinct_id" if name == "$identify" else "alias")
        if other is not None and name in {"$identify", "$create_alias", "$merge_dangerously"}:
            forced = name == "$merge_dangerously"
            self._persons.merge(other=str(other), into=distinct_id, at=at, forced=forced)

    def _add_groups(self, name: str, properties: dict[str, Any]) -> None:
        groups = properties.get("$groups", {})
        named = [properties["$group_type"]] if name == "$groupidentify" else []
        for group_type in [*groups, *named]:
            if group_type not in self._group_types:
                self._group_types.append(group_type)
        for group_type, key in groups.items():
            properties[f"$group_{self._group_types.index(group_type)}"] = key


def _merged(event: dict[str, Any], *, ip: str, sent_at: str | None) -> dict[str, Any]:
    """The properties with what ingestion moves into them."""
    properties: dict[str, Any] = dict(event["properties"])
    for key in ("$set", "$set_once"):
        if event.get(key):
            properties[key] = {**properties.get(key, {}), **event[key]}
    properties.setdefault("$ip", ip)
    if sent_at is not None:
        properties["$sent_at"] = sent_at
    if "$session_id" in properties:
        properties["$session_id"] = properties["$session_id"].lower()
    return properties


def _lift_person_properties(properties: dict[str, Any]) -> None:
    """Browser, campaign and the like become person properties, and the first of each an `$initial_` one."""
    at_server = properties.get("$is_server") is True
    keys = [key for key in _PERSON_KEYS if key in properties and not (at_server and key in _HOST_KEYS)]
    if not keys:
        return
    now = dict(properties.get("$set", {}))
    first = dict(properties.get("$set_once", {}))
    for key in keys:
        now.setdefault(key, properties[key])
        first.setdefault(f"$initial_{key.removeprefix('$')}", properties[key])
    properties["$set"] = now
    properties["$set_once"] = first


def _javascript_number(text: str) -> float:
    """A number after JavaScript read and wrote it: integers beyond 2^53 lose digits, 4.0 is 4."""
    value = float(text)
    if value.is_integer() and abs(value) < _JAVASCRIPT_EXPONENT_FROM:
        return int(Decimal(repr(value)))
    return value


def _time(text: str) -> datetime:
    """In UTC and whole milliseconds, as JavaScript's dates are."""
    time = datetime.fromisoformat(text).astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
