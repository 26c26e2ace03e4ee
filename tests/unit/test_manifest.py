"""`plugin.json`: PostHog's format, read and applied."""

import json
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import SettingsError, UsageError
from variance_plugin.manifest import Manifest, ParameterType, load_manifest
from variance_plugin.settings import manifest


def made(*config: dict[str, Any]) -> Manifest:
    """A manifest with these parameters."""
    return load_manifest(json.dumps({"name": "Demo", "config": config}).encode(), where="plugin.json")


def test_a_manifest_is_read_with_posthogs_names() -> None:
    """Parameters in their order; texts between them are no parameters; what is not known is passed over."""
    read = load_manifest(
        b"""{"name": "Demo", "main": "demo:Demo", "posthogVersion": ">= 1.30.0", "stability": "beta",
          "config": [
            {"markdown": "## Where"},
            {"key": "url", "type": "string", "required": true, "hint": "The address.", "order": 2},
            {"key": "file", "type": "attachment", "default": null}
        ]}""",
        where="plugin.json",
    )

    assert (">= 1.30.0", "demo:Demo") == (read.posthog_version, read.main)
    assert ["url", "file"] == [*read.parameters]
    assert ParameterType.ATTACHMENT is read.parameters["file"].type


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"name": 5}',
        b'{"name": "x", "config": [{"type": "colour"}]}',
        b"\xff",
        b"[" * 99_999,
    ],
    ids=["empty", "cut", "list", "no name", "number", "unknown type", "no UTF-8", "deep"],
)
def test_what_is_no_manifest_is_told_with_its_place(text: bytes) -> None:
    """In the user's words."""
    with pytest.raises(UsageError, match=r"^plugins/demo/plugin\.json is not a plugin\.json: "):
        load_manifest(text, where="plugins/demo/plugin.json")


def test_missing_values_get_their_defaults() -> None:
    """Empty text and None count as missing; a value that is false does not."""
    demo = made(
        {"key": "a", "default": "1"}, {"key": "b", "default": "2"}, {"key": "c", "default": "3"}, {"key": "d"}
    )

    assert {"a": "1", "b": "2", "c": 0, "d": ""} == demo.complete({"a": "", "b": None, "c": 0})


@pytest.mark.parametrize(
    ("given", "expected"),
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
def test_yes_and_no_are_understood_in_every_usual_word(given: object, expected: str) -> None:
    """Environment variables, TOML and people spell them differently."""
    assert {"a": expected} == made({"key": "a", "type": "choice", "choices": ["yes", "no"]}).complete(
        {"a": given}
    )


def test_every_wrong_value_is_named() -> None:
    """Unknown, missing and none of the choices, in one error."""
    demo = made(
        {"key": "webhookUrl", "required": True}, {"key": "mode", "type": "choice", "choices": ["a", "b"]}
    )

    with pytest.raises(SettingsError) as caught:
        demo.complete({"webhookURL": "x", "mode": "c"})

    assert {
        "webhookURL: unknown setting; did you mean webhookUrl?",
        "webhookUrl: is required and has no value",
        "mode: 'c' is none of a, b",
    } == {str(fault) for fault in caught.value.faults}


def test_a_secret_choice_is_not_shown() -> None:
    """Nor is a very long value shown whole."""
    demo = made(
        {"key": "a", "type": "choice", "choices": ["x"], "secret": True},
        {"key": "b", "type": "choice", "choices": ["x"]},
    )

    with pytest.raises(SettingsError) as caught:
        demo.complete({"a": "phc_demo_secret", "b": "long" * 100})

    assert "phc_demo_secret" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_plugins_own_parameters_say_what_they_are() -> None:
    """Each has a name and a hint; choices have a default among them; nothing secret has a default."""
    for parameter in manifest().parameters.values():
        assert parameter.name
        assert parameter.hint.endswith(".")
        assert not parameter.choices or parameter.default in parameter.choices
        assert (parameter.type is ParameterType.CHOICE) == bool(parameter.choices)
        assert not (parameter.secret and parameter.default)


def test_the_own_manifest_is_what_posthog_reads() -> None:
    """Plain JSON with the keys of PostHog's format, and no other."""
    text = json.loads((Path(__file__).parents[2] / "plugin.json").read_bytes())

    assert {"name", "url", "description", "main", "posthogVersion", "config"} == {*text}
    known = {"key", "name", "type", "default", "hint", "required", "secret", "choices", "markdown", "order"}
    assert all({*entry} <= known for entry in text["config"])
