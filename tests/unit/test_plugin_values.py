"""`meta.config` and `meta.attachments`, made of what a user gave."""

import json
from pathlib import Path
from typing import Any

import pytest

from variance_plugin.errors import SettingsError
from variance_plugin.hooks import Attachment
from variance_plugin.manifest import Manifest, load_manifest
from variance_plugin.runtime.loading.plugin_values import MOST_ATTACHMENT_BYTES, plugin_values
from variance_plugin.secret import Secret


def made(*config: dict[str, Any]) -> Manifest:
    """A manifest with these parameters."""
    return load_manifest(json.dumps({"name": "Demo", "config": config}).encode(), where="plugin.json")


DEMO = made(
    {"key": "url", "required": True},
    {"key": "token", "secret": True},
    {"key": "rules", "type": "json", "secret": True},
    {"key": "domains", "type": "attachment"},
)


def test_a_plugin_gets_plain_values() -> None:
    """A secret is text that can be put into a header, JSON is decoded, a list of names has commas."""
    found = plugin_values(DEMO, {"url": ["a", "b"], "token": Secret("phx_demo"), "rules": '{"a": 1}'})

    assert {"url": "a, b", "token": "phx_demo", "rules": {"a": 1}} == found.config
    assert {} == found.attachments


def test_no_secret_is_in_the_repr_of_the_config() -> None:
    """Of neither type, whichever way it is put into a text; what is not set is not made to look so."""
    found = plugin_values(DEMO, {"url": "u", "token": Secret("phx_demo"), "rules": '["phx_demo"]'})

    for text in (repr(found), str(found), f"{found.config}", repr(found.config)):
        assert "phx_demo" not in text
    assert "{'url': 'u', 'token': '***', 'rules': '***'}" == repr(found.config)


def test_an_attachment_is_read(tmp_path: Path) -> None:
    """With its name and its kind, as PostHog hands it over."""
    (tmp_path / "domains.csv").write_bytes(b"acme.example\n")

    found = plugin_values(DEMO, {"url": "u", "domains": str(tmp_path / "domains.csv")})

    assert {
        "domains": Attachment(file_name="domains.csv", content_type="text/csv", contents=b"acme.example\n")
    } == found.attachments
    assert "domains" not in found.config


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """What is missing, what is unknown, and a file that is not there."""
    with pytest.raises(SettingsError) as caught:
        plugin_values(DEMO, {"ural": "x", "rules": "{", "domains": str(tmp_path / "none.csv")})

    assert [
        "ural: unknown setting; did you mean url?",
        "url: is required and has no value",
        "rules: this value is no JSON",
        f"domains: cannot read {tmp_path}/none.csv: No such file or directory",
    ] == [str(fault) for fault in caught.value.faults]


def test_an_attachment_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """It would be held in memory as long as the runner runs."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(MOST_ATTACHMENT_BYTES + 1)

    with pytest.raises(SettingsError, match=r"domains: .*large\.bin is larger than 20,000,000 bytes"):
        plugin_values(DEMO, {"url": "u", "domains": str(large)})


def test_a_list_whose_names_hold_commas_is_refused() -> None:
    """PostHog has no lists, and a comma would make two names of one."""
    with pytest.raises(SettingsError, match="url: one of the texts in the list holds a comma"):
        plugin_values(DEMO, {"url": ["a,b"]})
