"""The plugin, as the runner calls it."""

from pathlib import Path

import pytest

from variance_plugin.testing import PluginHarness, make_event

PLUGIN = Path(__file__).parents[1]


def test_the_events_of_internal_users_are_dropped() -> None:
    """Wherever PostHog has their address; everybody else's go on."""
    with PluginHarness(PLUGIN, config={"domains": "acme.example, acme.test"}) as harness:
        assert harness.process(make_event(properties={"$set": {"email": "ada@ACME.example"}})) is None
        assert harness.process(make_event(person_properties={"email": "ada@acme.test"})) is None
        assert harness.process(make_event(properties={"email": "kim@customer.example"})) is not None
        assert harness.process(make_event()) is not None


def test_they_are_marked_if_that_is_wanted() -> None:
    """By the property that is configured."""
    config = {"domains": "acme.example", "whatToDo": "mark", "property": "ours"}
    with PluginHarness(PLUGIN, config=config) as harness:
        event = harness.process(make_event(properties={"email": "ada@acme.example"}))

    assert event is not None
    assert event.properties["ours"] is True


def test_events_tell_how_long_a_user_has_been_around() -> None:
    """Counted from the first event on, which storage remembers."""
    with PluginHarness(PLUGIN, config={"domains": "acme.example"}) as harness:
        harness.process(make_event(distinct_id="kim"))
        harness.clock.advance(3 * 24 * 3600)
        later = harness.process(make_event(distinct_id="kim"))

    assert later is not None
    assert 3 == later.properties["known_for_days"]


def test_what_was_dropped_is_told_once_a_day() -> None:
    """In PostHog and in the log, and counted anew after that."""
    with PluginHarness(PLUGIN, config={"domains": "acme.example"}) as harness:
        for number in range(3):
            harness.process(make_event(number=number, properties={"email": "ada@acme.example"}))
        harness.run_every_day()
        harness.run_every_day()

    assert [3, 0] == [properties["events"] for _, properties in harness.captured]
    assert "info: dropped 3 events of internal users" in harness.logs


def test_it_needs_a_domain() -> None:
    """Its plugin.json says so, and the runner refuses to start without."""
    with pytest.raises(Exception, match="domains: is required and has no value"):
        PluginHarness(PLUGIN)
