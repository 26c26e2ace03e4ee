"""Events as PostHog's batch export writes them: one JSON object a line, always the same for the same seed."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from .visitors import Person, Visitor, uuid7

# Of a hundred events. `custom` stands for the names that the users' own code gives.
MIX = {
    "$pageview": 35,
    "$autocapture": 25,
    "custom": 20,
    "$pageleave": 10,
    "$identify": 4,
    "$feature_flag_called": 3,
    "$groupidentify": 2,
    "$create_alias": 1,
}
_PERSONS = 600
_PRESENT = 200
_NAMES = ["board created", "card moved", "card completed", "report exported", "invoice paid", "plan upgraded"]
_WORDS = "alpha board card draft estimate forecast goal invoice journey kanban label milestone".split()
_MOST_OWN_PROPERTIES = 30
_STARTED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_LONGEST_GAP_MILLISECONDS = 1_500


def write_events(path: Path, events: Iterable[dict[str, Any]], *, append: bool = False) -> None:
    """Write them to a file, one a line."""
    encode = msgspec.json.Encoder().encode
    with path.open("ab" if append else "wb") as file:
        for event in events:
            file.write(encode(event))
            file.write(b"\n")


class Traffic:
    """A site in use: a few hundred known people and passers-by in browsers, one event after the other."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - the same events for the same seed are what is wanted
        self._deck: list[str] = []
        self._now = _STARTED
        self._milliseconds = int(_STARTED.timestamp() * 1000)
        self._known = [self._arrive(Person.number(number)) for number in range(_PERSONS)]
        self._anonymous = [self._arrive(None) for _ in range(_PRESENT)]

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """The next so many events, in a mix that is exact in every hundred."""
        for _ in range(count):
            if not self._deck:
                self._deck = [name for name, share in MIX.items() for _ in range(share)]
                self._random.shuffle(self._deck)
            yield self._event(self._deck.pop())

    def _event(self, name: str) -> dict[str, Any]:
        gap = self._random.randrange(1, _LONGEST_GAP_MILLISECONDS)
        self._milliseconds += gap
        self._now += timedelta(milliseconds=gap)
        visitor, changes = self._who(name)
        if name == "$pageview":
            visitor.go(self._random)
        properties: dict[str, Any] = {
            **visitor.device,
            "distinct_id": visitor.distinct_id,
            "$insert_id": uuid7(self._random, self._milliseconds)[-16:],
            "$time": self._milliseconds / 1000,
            "$sent_at": self._now.isoformat(),
            "$pageview_id": uuid7(self._random, self._milliseconds),
            "$lib_rate_limit_remaining_tokens": 99,
            **visitor.landing,
            **visitor.page(),
        }
        properties |= visitor.updates(properties)
        properties |= self._special(name) | changes
        if "$set" in changes:
            properties["$set"] = {**changes["$set"], "$browser": "Chrome"}
        received = (self._now + timedelta(milliseconds=700)).isoformat()
        return {
            "uuid": uuid7(self._random, self._milliseconds),
            "timestamp": self._now.isoformat(),
            "_inserted_at": received,
            "created_at": received,
            "event": self._random.choice(_NAMES) if name == "custom" else name,
            "properties": properties,
            "distinct_id": visitor.distinct_id,
            "elements_chain": _ELEMENTS if name == "$autocapture" else "",
            "person_properties": visitor.person_properties(properties),
            "person_id": uuid7(self._random, self._milliseconds),
        }

    def _who(self, name: str) -> tuple[Visitor, dict[str, Any]]:
        """Whose event it is, and what it says of them."""
        random = self._random
        if name == "$identify":
            return self._sign_in()
        slot = random.randrange(_PERSONS)
        if name == "$groupidentify":
            company = f"company-{slot % 90}"
            about = {"name": f"Company {slot % 90}", "seats": random.randrange(5, 500), "mrr": 1_249.5}
            return self._known[slot], {"$group_type": "company", "$group_key": company, "$group_set": about}
        if name == "$create_alias":
            return self._known[slot], {"alias": f"crm-{slot}"}
        if random.random() < 0.4:
            return random.choice(self._anonymous), {}
        visitor = self._known[slot]
        if name == "custom" and random.random() < 0.1 and visitor.person:
            # How most users of PostHog set a person property: along with an event of theirs.
            return visitor, {"$set": {**visitor.person.traits, "seats": random.randrange(1, 60)}}
        return visitor, {}

    def _sign_in(self) -> tuple[Visitor, dict[str, Any]]:
        """A passer-by turns out to be somebody known, in a new browser; another passer-by takes the place."""
        slot, place = self._random.randrange(_PERSONS), self._random.randrange(_PRESENT)
        visitor = self._anonymous[place]
        self._anonymous[place] = self._arrive(None)
        visitor.person = Person.number(slot)
        self._known[slot] = visitor
        return visitor, {"$anon_distinct_id": visitor.device_id, "$set": visitor.person.traits}

    def _arrive(self, person: Person | None) -> Visitor:
        return Visitor.arriving(self._random, self._milliseconds, person)

    def _special(self, name: str) -> dict[str, Any]:
        """What only events of that name carry."""
        random = self._random
        if name == "custom":
            return dict(self._own(number) for number in range(random.randrange(_MOST_OWN_PROPERTIES + 1)))
        if name == "$autocapture":
            return {"$event_type": "click", "$ce_version": 1, "$el_text": "Start trial"}
        if name == "$pageleave":
            return {
                "$prev_pageview_duration": random.randrange(100, 90_000) / 1000,
                "$prev_pageview_max_scroll_percentage": random.random(),
                "$prev_pageview_pathname": "/boards",
            }
        if name == "$feature_flag_called":
            return {"$feature_flag": "new-board", "$feature_flag_response": "test"}
        return {}

    def _own(self, number: int) -> tuple[str, Any]:
        random = self._random
        name = f"{_WORDS[number % len(_WORDS)]}_{number}"
        values: tuple[Any, ...] = (
            random.choice(_WORDS),
            random.randrange(100_000),
            random.randrange(100_000) / 100,
            number % 2 == 0,
            {"id": f"c-{random.randrange(9_999)}", "tags": random.sample(_WORDS, 2)},
            f"{random.choice(_WORDS)} “{random.choice(_WORDS)}” {random.choice(_WORDS)}",
        )
        return name, random.choice(values)


_ELEMENTS = (
    'button.btn.btn-primary:attr__class="btn btn-primary"attr__type="button"nth-child="2"nth-of-type="1"'
    'text="Start trial";div.card.hero:attr__class="card hero"nth-child="1"nth-of-type="1";'
    'main:nth-child="2"nth-of-type="1";body:nth-child="2"nth-of-type="1"'
)
