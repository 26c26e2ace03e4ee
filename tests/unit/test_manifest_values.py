"""What a user gives for a plugin's parameters: checked all at once, each as its type has it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import SettingsError
from variance_plugin.manifest import Manifest, load_manifest
from variance_plugin.secret import Secret


def made(*config: dict[str, Any]) -> Manifest:
    """A manifest with these parameters."""
    return load_manifest(json.dumps({"name": "Demo", "config": config}).encode(), where="plugin.json")


def faults(demo: Manifest, values: dict[str, Any]) -> list[str]:
    """All that is wrong with these values."""
    with pytest.raises(SettingsError) as caught:
        demo.complete(values)
    return [str(fault) for fault in caught.value.faults]


def test_missing_values_get_their_defaults() -> None:
    """Empty text, None and an empty secret count as missing; a value that is false does not."""
    demo = made(*({"key": key, "default": key * 2} for key in "abc"), {"key": "d"}, {"key": "e"})

    assert {"a": "aa", "b": "bb", "c": "0", "d": "", "e": ""} == demo.complete(
        {"a": "", "b": None, "c": 0, "e": Secret("")}
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("yes", "yes"),
        ("YES", "yes"),
        (" on ", "yes"),
        (True, "yes"),
        (1, "yes"),
        ("off", "no"),
        (False, "no"),
        ("0", "no"),
    ],
    ids=repr,
)
def test_yes_and_no_are_understood_in_every_usual_word(value: object, expected: str) -> None:
    """Environment variables, TOML and people spell them differently."""
    demo = made({"key": "a", "type": "choice", "choices": ["yes", "no"]})

    assert {"a": expected} == demo.complete({"a": value})


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", 5, "5"),
        ("string", 2.5, "2.5"),
        ("string", True, "true"),
        ("string", ["a,b", "c"], ["a,b", "c"]),
        ("json", '{"a": [1, 12345678901234567890]}', {"a": [1, 12345678901234567890]}),
        ("json", {"a": 1}, {"a": 1}),
        ("json", "0", 0),
        ("attachment", "lists/domains.txt", "lists/domains.txt"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_value_comes_as_its_type_has_it(kind: str, value: object, expected: object) -> None:
    """Numbers are texts as in PostHog, JSON is decoded, an attachment is its path until it is read."""
    assert {"a": expected} == made({"key": "a", "type": kind}).complete({"a": value})


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("string", {"b": 1}, "is a dict, and takes a text"),
        ("string", ["b", 1], "\"['b', 1]\" is a list of other things than texts"),
        ("json", "{", "'{' is no JSON"),
        ("attachment", 5, "'5' is no path of a file"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_value_that_its_type_cannot_have_is_refused(kind: str, value: object, problem: str) -> None:
    """And told, with what it should be."""
    assert [f"a: {problem}"] == faults(made({"key": "a", "type": kind}), {"a": value})


def test_every_wrong_value_is_named() -> None:
    """Unknown, missing and none of the choices, in one error."""
    demo = made(
        {"key": "webhookUrl", "required": True}, {"key": "mode", "type": "choice", "choices": ["a", "b"]}
    )

    assert [
        "webhookURL: unknown setting; did you mean webhookUrl?",
        "webhookUrl: is required and has no value",
        "mode: 'c' is none of a, b",
    ] == faults(demo, {"webhookURL": "x", "mode": "c"})


@pytest.mark.parametrize("kind", ["choice", "json", "string"])
def test_a_secret_is_never_shown(kind: str) -> None:
    """Neither given as a `Secret` nor as plain text; nor is a very long value shown whole."""
    demo = made(
        {"key": "a", "type": kind, "secret": True, **({"choices": ["x"]} if kind == "choice" else {})},
        {"key": "b", "type": "choice", "choices": ["x"]},
    )
    for value in ("phc_demo_secret", Secret("phc_demo_secret"), ["phc_demo_secret", 1]):
        told = "\n".join(faults(demo, {"a": value, "b": "long" * 100}))

        assert "phc_demo_secret" not in told
        assert len(told) < 200


def test_a_secret_stays_one() -> None:
    """A choice among secrets too."""
    demo = made({"key": "a", "secret": True}, {"key": "b", "type": "choice", "choices": ["x"]})

    assert {"a": Secret("s"), "b": Secret("x")} == demo.complete({"a": Secret("s"), "b": Secret("X")})


CONDITIONS = made(
    {"key": "format", "type": "choice", "choices": ["json", "csv"], "default": "json"},
    {"key": "bucket"},
    {"key": "separator", "required_if": [["format", "csv"]]},
    {"key": "region", "required_if": [["bucket"]]},
    {"key": "quote", "required": True, "visible_if": [["format", "csv"], ["bucket"]]},
)


def test_conditions_make_a_parameter_required() -> None:
    """By another's value, or by its having one at all; told with the reason. What is hidden is not asked."""
    assert [
        "separator: is required, since format is csv, and has no value",
        "region: is required, since bucket has a value, and has no value",
        "quote: is required and has no value",
    ] == faults(CONDITIONS, {"format": "CSV", "bucket": "b"})


def test_conditions_that_do_not_hold_ask_for_nothing() -> None:
    """A default counts as the value, and a value that nobody asks for is kept, as PostHog's form does."""
    completed = CONDITIONS.complete({"quote": "'"})

    assert ("json", "", "'") == (completed["format"], completed["region"], completed["quote"])


@given(
    st.dictionaries(
        st.sampled_from(["format", "bucket", "separator", "region", "quote", "Format"]) | st.text(max_size=6),
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.lists(st.text(max_size=3)),
        max_size=5,
    )
)
def test_whatever_is_given_is_complete_or_told_by_its_keys(values: dict[str, Any]) -> None:
    """All parameters have a value then; else each fault has a key of the manifest or of what was given."""
    told: set[str] = set()
    try:
        completed = CONDITIONS.complete(values)
    except SettingsError as error:
        told = {fault.key for fault in error.faults}
        completed = dict.fromkeys(CONDITIONS.parameters, "json")

    assert told <= {*values, *CONDITIONS.parameters}
    assert [*CONDITIONS.parameters] == [*completed]
    assert completed["format"] in ("json", "csv")
