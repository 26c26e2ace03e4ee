"""`plugin.json`: PostHog's format, read, with all that may be wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from variance_plugin.errors import UsageError
from variance_plugin.manifest import Condition, Manifest, ParameterType, load_manifest
from variance_plugin.settings import manifest

WHERE = "plugins/demo/plugin.json"


def read(table: object) -> Manifest:
    """What is read from it, as JSON."""
    return load_manifest(json.dumps(table).encode(), where=WHERE)


def faults(table: object) -> list[str]:
    """All that is wrong with it."""
    with pytest.raises(UsageError) as caught:
        read(table)
    text = str(caught.value).removeprefix(f"{WHERE} is not a plugin.json:")
    return [line.strip() for line in text.strip().splitlines()]


def faults_of(*config: object) -> list[str]:
    """All that is wrong with these entries of `config`."""
    return faults({"name": "Demo", "config": config})


def test_a_manifest_is_read_with_posthogs_names() -> None:
    """Parameters in their order; texts between them are no parameters; what is not known is passed over."""
    found = load_manifest(
        b"""{"name": "Demo", "main": "demo:Demo", "posthogVersion": ">= 1.30.0", "stability": "beta",
          "config": [
            {"markdown": "## Where"},
            {"key": "url", "type": "string", "required": true, "hint": "The address.", "order": 2},
            {"key": "file", "type": "attachment", "default": null}
        ]}""",
        where="plugin.json",
    )

    assert (">= 1.30.0", "demo:Demo") == (found.posthog_version, found.main)
    assert ["url", "file"] == [*found.parameters]
    assert ParameterType.ATTACHMENT is found.parameters["file"].type


def test_the_parameters_may_be_an_object_by_key() -> None:
    """PostHog's other form: sorted by `order`, as its front end does; what has none, or 0, comes last."""
    found = read(
        {
            "name": "Demo",
            "config": {
                "last": {"order": 0},
                "second": {"order": 2},
                "first": {"order": 1, "type": "json", "default": "[1]"},
            },
        }
    )

    assert ["first", "second", "last"] == [*found.parameters]
    assert [1] == found.parameters["first"].default


def test_conditions_are_pairs_or_a_key_alone() -> None:
    """A key alone holds with any value; so does null, which is how JSON spells JavaScript's undefined."""
    found = read(
        {
            "name": "Demo",
            "config": [
                {"key": "plan"},
                {"key": "a", "visible_if": [["plan", "paid"], ["plan"]], "required_if": [["plan", None]]},
            ],
        }
    )

    assert (Condition("plan", "paid"), Condition("plan")) == found.parameters["a"].visible_if
    assert (Condition("plan"),) == found.parameters["a"].required_if


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"5", b"{}", b'{"name": 5}', b'{"name": " "}', b"\xff", b"[" * 99_999],
    ids=["empty", "cut", "list", "digit", "no name", "number", "blank", "no UTF-8", "deep"],
)
def test_what_is_no_manifest_is_told_with_its_file(text: bytes) -> None:
    """In the user's words."""
    with pytest.raises(UsageError, match=r"^plugins/demo/plugin\.json is not a plugin\.json: "):
        load_manifest(text, where=WHERE)


def test_everything_wrong_with_a_manifest_is_told_at_once() -> None:
    """Each fault with its place, what is wrong, and what would be right."""
    assert [
        "name: is required, and is the text that the plugin is called by",
        "config[1]: is a text, and should be an object",
        "config[0].hint: is a number, and should be a text",
        "config[2].requierd: there is no such part of a parameter; did you mean required?",
        "config[2].type: 'number' is none of string, choice, attachment, json",
        "config[2].secret: is a text, and should be true or false",
        "config[3]: has neither a key, which makes it a parameter, nor markdown",
        "config[2].key: 'a' is the key of config[0], too",
        "url: is a boolean, and should be a text",
    ] == faults(
        {
            "url": True,
            "config": [
                {"key": "a", "hint": 5},
                "b",
                {"key": "a", "type": "number", "requierd": True, "secret": "yes"},
                {"name": "nothing"},
            ],
        }
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"type": "choice"}, "config[0].choices: a choice needs a list of texts to choose from"),
        (
            {"type": "choice", "choices": [1]},
            "config[0].choices: a choice needs a list of texts to choose from",
        ),
        (
            {"type": "choice", "choices": ["x"], "default": "y"},
            "config[0].default: 'y' is none of x",
        ),
        (
            {"choices": ["x"]},
            "config[0].choices: only a parameter of type choice has them, and this one is a string",
        ),
        ({"type": "json", "default": "{"}, "config[0].default: '{' is no JSON"),
        ({"type": "attachment", "default": "a.txt"}, "config[0].default: an attachment has no default"),
        ({"default": {}}, "config[0].default: is an object, and should be a text"),
        ({"order": "1"}, "config[0].order: is a text, and should be a number"),
        (
            {"visible_if": {"b": 1}},
            "config[0].visible_if: is a list of pairs, such as [['plan', 'paid']]",
        ),
        (
            {"visible_if": [["b", "in", ["x"]]]},
            "config[0].visible_if[0]: is [key, value], or [key] for any value",
        ),
        ({"required_if": [["a", "x"]]}, "config[0].required_if[0]: depends on itself"),
        (
            {"required_if": [["Bee"]]},
            "config[0].required_if[0]: there is no parameter 'Bee'; did you mean bee?",
        ),
        (
            {"required_if": [["bee", {}]]},
            "config[0].required_if[0]: the value is an object, and should be a text",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else json.dumps(value),
)
def test_a_parameter_that_contradicts_itself_is_refused(entry: dict[str, Any], fault: str) -> None:
    """With the place in the manifest, so that its author finds it."""
    assert [fault] == faults_of({"key": "a", **entry}, {"key": "bee"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "config", "key", "type", "default", "choices", "visible_if", "order"]
                )
                | st.text(max_size=4),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_a_manifest_or_told_to_be_none(table: object) -> None:
    """No text of a stranger gives any other error."""
    try:
        said = read(table).name
    except UsageError as error:
        said = str(error).partition(":")[0]

    assert said == f"{WHERE} is not a plugin.json" or (isinstance(table, dict) and table["name"] == said)


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
