"""What stands in `deploy/`, to be copied, and in the pages about it is held to the program."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benches.command_lines import parsed
from variance_plugin.cli.config_run import manifest_of
from variance_plugin.runtime.settings import RunnerSettings, read
from variance_plugin.runtime.settings.sources import HttpSource
from variance_plugin.runtime.watching.metric_list import METRICS

yaml = pytest.importorskip("yaml")  # moto's, so it is there wherever all tests are run

_ROOT = Path(__file__).parents[2]
_DEPLOY = _ROOT / "deploy"
_PAGES = {
    "deploying": (_ROOT / "docs" / "deploying.md").read_text(),
    "getting-started": (_ROOT / "docs" / "getting-started.md").read_text(),
    "troubleshooting": (_ROOT / "docs" / "troubleshooting.md").read_text(),
    "README": (_ROOT / "README.md").read_text(),
}
_COMMAND = re.compile(r"(?:^    |`)(variance-plugin [a-z][^`\n]*)", re.MULTILINE)
_PLUGIN = (
    '[[plugins]]\nname = "variance"\n[plugins.config]\nwebhookUrl = "https://hooks.variance.example/c/1"\n'
)


def settings_in(folder: Path, toml: str, environment: Mapping[str, str]) -> RunnerSettings:
    """What is in force with that file and these variables, whose secrets are in files."""
    (folder / "secret").write_text("Bearer demo")
    (folder / "runner.toml").write_text(toml)
    given = {name: str(folder / "secret") if "_FILE" in name else text for name, text in environment.items()}
    return read(folder / "runner.toml", environment=given, manifest_of=manifest_of).settings


def metrics_in(query: str) -> set[str]:
    """The names in it that are a metric's."""
    without_labels = re.sub(r"\b(by|on)\s*\([^)]*\)|\{[^}]*\}|\"[^\"]*\"", "", query)
    words = set(re.findall(r"[a-z]\w*_\w+", without_labels))
    return words - {"predict_linear", "histogram_quantile"}


def known_metrics() -> set[str]:
    """As Prometheus sees them."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    ours = {metric.name + suffix for metric in METRICS for suffix in suffixes[str(metric.kind)]}
    return ours | {"process_resident_memory_bytes"}


def documents() -> Iterator[dict[str, Any]]:
    """Of the manifest."""
    yield from yaml.safe_load_all((_DEPLOY / "kubernetes.yaml").read_text())


@pytest.mark.parametrize(
    "line",
    sorted({line for page in _PAGES.values() for line in _COMMAND.findall(page)}),
)
def test_the_commands_of_these_pages_are_commands(line: str) -> None:
    """With these options."""
    assert parsed(line)


def test_the_unit_starts_the_runner_and_gives_it_time_to_stop(tmp_path: Path) -> None:
    """With variables that are settings."""
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(_DEPLOY / "variance-plugin.service")
    text = (_DEPLOY / "variance-plugin.service").read_text()
    environment = dict(line.split("=", 1) for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE))

    settings = settings_in(tmp_path, f'[source]\npaths = ["x"]\n{_PLUGIN}', environment)

    assert Path("/etc/variance-plugin/runner.toml") == parsed(unit["Service"]["ExecStart"])["file"]
    assert Path("/var/lib/variance-plugin/variance.db") == settings.state
    assert unit["Service"]["WorkingDirectory"] == f"/var/lib/{unit['Service']['StateDirectory']}"
    assert float(unit["Service"]["TimeoutStopSec"]) > settings.flush_seconds


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """But for the place of the program, which is another one here."""
    text = (_DEPLOY / "variance-plugin.service").read_text()
    unit = tmp_path / "variance-plugin.service"
    unit.write_text(text.replace("/opt/variance-plugin/bin/variance-plugin", sys.executable))

    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=30, check=False
    )

    assert (0, "") == (verified.returncode, verified.stderr)


def test_the_image_is_made_of_what_is_there_and_runs_the_runner(tmp_path: Path) -> None:
    """Its first stage gets what the build asks for, its last one settings that there are."""
    text = (_DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)).split()
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "LICENSE"]
    [variables] = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    environment = dict(pair.split("=", 1) for pair in variables.split() if not pair.startswith("PATH"))
    [entry] = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    [command] = re.findall(r"^CMD (.*)$", text, re.MULTILINE)

    secret = {"VARIANCE_AUTH_HEADER_FILE": "x"}
    settings = settings_in(tmp_path, f'[source]\npaths = ["x"]\n{_PLUGIN}', environment | secret)

    assert [] == [name for name in copied if not (_ROOT / name).exists()]
    assert [] == [
        name for name in needed if not any(name == one or name.startswith(f"{one}/") for one in copied)
    ]
    assert parsed(shlex.join([*yaml.safe_load(entry), *yaml.safe_load(command)]))["file"] is not None
    assert ("0.0.0.0", 9464) == settings.metrics.address  # noqa: S104 -- it is what the page says
    assert {"8902", "9464"} == {*re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE)[0].split()}


def test_the_manifest_runs_what_its_settings_say(tmp_path: Path) -> None:
    """Its probes ask at ports where something listens, its volumes are where the state is."""
    by_kind = {document["kind"]: document for document in documents()}
    pod = by_kind["StatefulSet"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    toml = by_kind["ConfigMap"]["data"]["runner.toml"]

    settings = settings_in(tmp_path, toml.replace("phc_…", "phc_demo"), environment)

    assert isinstance(settings.source, HttpSource)
    assert settings.metrics.address is not None
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {"events": 8902, "metrics": settings.metrics.address[1]} == ports
    assert settings.source.listen.endswith(f":{ports['events']}")
    assert ("/healthz", "metrics") == (*container["livenessProbe"]["httpGet"].values(),)
    assert {"port": "events"} == container["readinessProbe"]["tcpSocket"]
    assert pod["terminationGracePeriodSeconds"] > settings.flush_seconds
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"]}
    assert mounts["state"] == settings.state.parent
    assert parsed(shlex.join(["variance-plugin", *container["args"]]))["file"].parent == mounts["settings"]
    [claim] = by_kind["StatefulSet"]["spec"]["volumeClaimTemplates"]
    gigabytes = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) * 2**30 / 1e9
    assert settings.spool.max_bytes < gigabytes * 1e9
    assert by_kind["Service"]["spec"]["selector"] == {"app": "variance-plugin"}


def test_the_alerts_are_about_metrics_that_there_are() -> None:
    """Each with its row in the page, in their order, and a runbook that is there."""
    [group] = yaml.safe_load((_DEPLOY / "alerts.yaml").read_text())["groups"]
    rows = re.findall(r"^\| `(Variance\w+)` \| .*? \| (\w+) \| ", _PAGES["deploying"], re.MULTILINE)

    assert [(rule["alert"], rule["labels"]["severity"]) for rule in group["rules"]] == rows
    for rule in group["rules"]:
        assert metrics_in(rule["expr"]) <= known_metrics(), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (_ROOT / page).read_text(), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, rule["alert"]


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """With labels that they have."""
    section = _PAGES["deploying"].split("## A dashboard\n", 1)[1].split("\n## ", 1)[0]
    queries = [query for line in section.splitlines() for query in re.findall(r"`([^`]+)`", line)]
    labels = {metric.name: {*metric.labels, "le"} for metric in METRICS}

    assert 21 == len(queries)
    for query in queries:
        assert metrics_in(query) <= known_metrics(), query
        for by, name in re.findall(r"by \(([^)]*)\) \((?:\w+\()*([a-z_]+)", query):
            plain = re.sub("_(total|bucket|sum|count)$", "", name)
            assert {*by.split(", ")} <= labels[plain if plain in labels else name], query


def test_what_the_program_is_said_to_say_is_what_it_says() -> None:
    """Each text of the page stands in the program, but for what differs from case to case."""
    section = _PAGES["troubleshooting"].split("## The program says\n", 1)[1].split("\n## ", 1)[0]
    program = "".join(file.read_text() for file in (_ROOT / "variance_plugin").rglob("*.py"))
    joined = re.sub(r"[\"']\s*\n\s*f?[\"']", "", program)

    texts = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)

    assert 11 == len(texts)
    pieces = [
        piece
        for text in texts
        for piece in re.split(r"…|127\.0\.0\.1:9464|4711|10\.0\.0\.7 is|variance-plugin:", text)
    ]
    assert [] == [piece for piece in pieces if piece.strip() and piece.strip() not in joined]


@pytest.mark.parametrize("toml", re.findall(r"```toml\n(.*?)```", _PAGES["getting-started"], re.DOTALL))
def test_the_settings_to_begin_with_lack_nothing_but_the_secret(toml: str, tmp_path: Path) -> None:
    """Which step 3 has put into the environment."""
    settings = settings_in(tmp_path, toml, {"VARIANCE_AUTH_HEADER": "Bearer demo"})

    assert ["variance"] == [plugin.name for plugin in settings.plugins]
