"""Payload version 1 is what connector 1.0.0 sent, for three thousand generated events."""

import json
from itertools import zip_longest
from pathlib import Path

import pytest

from variance_plugin.events import Event
from variance_plugin.exact_json import encode
from variance_plugin.formats import events
from variance_plugin.mapping import Mapper, MappingSettings, Memory

ORACLE = Path(__file__).resolve().parents[2].parent / "shared" / "oracle"

pytestmark = pytest.mark.skipif(
    not ORACLE.is_dir(), reason="what 1.0.0 sent is kept beside this project, not in it: ../shared/oracle"
)


def normal(text: bytes) -> str:
    """JSON in one spelling, with numbers as JavaScript knows them: `1.0` is 1, but `true` is not."""
    return json.dumps(json.loads(text, parse_int=float), sort_keys=True)


def sent(mapper: Mapper, record: bytes) -> bytes:
    """The message of the event in a record, or `null`."""
    (event,) = events(record)
    assert isinstance(event, Event)
    messages = mapper.map(event, Memory()).messages
    assert len(messages) <= 1
    return encode(messages[0] if messages else None)


def test_each_event_gives_what_1_0_0_sent() -> None:
    """Line by line, also which ones it left out."""
    mapper = Mapper(MappingSettings(payload_version=1))
    given = (ORACLE / "events.jsonl").read_bytes().splitlines()
    expected = (ORACLE / "v1.jsonl").read_bytes().splitlines()

    pairs = [(normal(line), normal(sent(mapper, record))) for line, record in zip_longest(expected, given)]

    assert 3000 == len(pairs)
    assert [] == [(number, *pair) for number, pair in enumerate(pairs, start=1) if pair[0] != pair[1]][:3]
