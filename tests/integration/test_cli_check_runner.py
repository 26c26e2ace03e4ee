"""`variance-plugin check runner.toml`: what `run` would use, and whether its destinations take a message."""

from functools import partial
from pathlib import Path

import pytest

from tests.benches.program import Program, Running
from variance_plugin import extras
from variance_plugin.cli.check_run import check_runner
from variance_plugin.cli.closing import ExitStatus
from variance_plugin.cli.options import PluginOptions
from variance_plugin.errors import UsageError
from variance_plugin.receiver import Answer, LocalVariance

SETTINGS = """
[source]
paths = ["events.jsonl"]

[[plugins]]
name = "eu"
from = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "Bearer demo-token"
allowedHosts = "127.0.0.1"

[[plugins]]
name = "us"
from = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "Bearer hush-hush"
allowedHosts = "127.0.0.1"
"""


@pytest.fixture
def check(program: Program, tmp_path: Path, variance: LocalVariance) -> Running:
    """Runs the command where `runner.toml` has two destinations, the second one with a wrong secret."""
    (tmp_path / "runner.toml").write_text(SETTINGS.format(url=variance.url))
    return partial(program.run, "check")


def test_every_destination_gets_one_message_and_has_its_own_diagnosis(
    check: Running, variance: LocalVariance
) -> None:
    """The worst of them is the exit status, and no secret shows."""
    ended = check("runner.toml", "--send")

    _, eu, us = ended.stdout.split(f"Sending one test message to {variance.url} ")
    assert "(eu) ...\nAll is well: the message was taken (HTTP 200).\n\n" == eu
    assert us.startswith("(us) ...\n")
    assert "What to do: the receiver expects another secret" in us
    assert (1, 1, False) == (ended.returncode, len(variance.posts), "hush" in ended.stdout + ended.stderr)


def test_settings_by_which_nothing_goes_to_variance_are_no_success(check: Running, tmp_path: Path) -> None:
    """A first plugin in the settings takes the place of `variance`, which was there without being named."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "plugin.json").write_text('{"name": "Mine"}')
    (tmp_path / "runner.toml").write_text(
        '[source]\npaths = ["x"]\n[[plugins]]\nname = "mine"\nfrom = "./mine"\n'
    )

    ended = check("runner.toml", "--send")

    assert "mine: nothing is sent, it is no plugin of this program\n" in ended.stdout
    assert "No plugin here sends to Variance, so there is nothing to try." in ended.stdout
    assert 1 == ended.returncode


@pytest.mark.parametrize(
    ("source", "missing"),
    [('type = "http"\ntokens = ["phc_demo"]', "serve"), ('type = "bucket"\nurl = "s3://exports"', "bucket")],
)
def test_a_source_whose_packages_are_missing_is_found_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, missing: str
) -> None:
    """As after an upgrade into a new environment; a folder as a bucket needs none."""
    monkeypatch.setattr(extras, "find_spec", lambda _module: None)
    monkeypatch.setenv("VARIANCE_AUTH_HEADER", "Bearer demo")
    file = tmp_path / "runner.toml"
    variance = '[[plugins]]\nname = "variance"\n[plugins.config]\nwebhookUrl = "https://h.example/"\n'

    file.write_text(f"[source]\n{source}\n{variance}")
    with pytest.raises(UsageError) as raised:
        check_runner(file, PluginOptions(), send=False)

    install = f"pip install 'posthog-variance-plugin[{missing}]'"
    assert str(raised.value).endswith(f"needs packages that are not installed: {install}")
    file.write_text(f'[source]\ntype = "bucket"\nurl = "{tmp_path}"\n{variance}')
    assert ExitStatus.DONE == check_runner(file, PluginOptions(), send=False)


def test_without_send_the_settings_are_shown_and_nothing_is_posted(
    check: Running, variance: LocalVariance
) -> None:
    """As `config show` shows them."""
    ended = check("runner.toml", "--set", "logs.level=debug")

    rows = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line}
    assert [variance.url, "runner.toml"] == rows["plugins.eu.config.webhookUrl"]
    assert ["debug", "--set"] == rows["logs.level"]
    assert (0, 0) == (ended.returncode, len(variance.posts))


def test_who_forgets_to_name_the_runners_settings_is_told_of_them(check: Running) -> None:
    """By `check` alone, and by `--settings`, which is for parameters."""
    for arguments, told in [
        ([], "runner.toml: is not read; `variance-plugin check runner.toml` does"),
        (
            ["--settings", "runner.toml"],
            "runner.toml holds settings of the app runner: `variance-plugin check",
        ),
        (["runner.toml", "--settings", "x"], "--settings has no place beside runner.toml"),
    ]:
        ended = check(*arguments)
        assert (2, True) == (ended.returncode, told in ended.stderr), ended.stderr


def test_a_web_page_that_takes_a_message_is_not_taken_for_a_webhook(
    check: Running, variance: LocalVariance
) -> None:
    """A website answers 200 to anything, and what it is sent is lost."""
    variance.answer_with(lambda _post: Answer(status=200, body=b"<!doctype html><title>Log in</title>"))

    ended = check("runner.toml", "--send")

    assert 1 == ended.stdout.count("The message was taken (HTTP 200), but by a web page")
    assert 1 == ended.returncode
