"""The plugins in `examples/` and `VariancePlugin`, together in one run of the program."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

from variance_plugin.receiver import LocalVariance

EXAMPLES = Path(__file__).parents[2] / "examples"

SETTINGS = """
state = "state.db"

[source]
paths = ["events.jsonl"]

[[plugins]]
name = "internal-users"
from = "{examples}/internal_users"
[plugins.config]
domains = "acme.example"

[[plugins]]
name = "files"
from = "{examples}/file_export"
[plugins.config]
folder = "exported"

[[plugins]]
name = "variance"
[plugins.config]
webhookUrl = "{url}"
authHeader = "Bearer demo"
allowedHosts = "127.0.0.1"

[metrics]
listen = "off"
"""


def test_the_examples_and_variance_run_together(tmp_path: Path) -> None:
    """One drops and enriches what both others export: into files, and to Variance."""
    addresses = ["ada@acme.example", "kim@customer.example", "lee@customer.example"]
    events = [
        {
            "uuid": f"0190a1b2-0000-7000-8000-00000000000{number}",
            "event": "order paid",
            "distinct_id": address,
            "timestamp": f"2026-01-01T10:00:0{number}Z",
            "properties": {"email": address, "$is_identified": True},
        }
        for number, address in enumerate(addresses)
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    with LocalVariance(authorization="Bearer demo") as variance:
        settings = SETTINGS.format(examples=EXAMPLES, url=variance.url)
        (tmp_path / "runner.toml").write_text(settings, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "variance_plugin", "run", "--once"],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("RUNNER_")},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        sent = [
            cast("dict[str, dict[str, object]]", message)
            for post in variance.posts
            for message in post.messages
        ]

    assert 0 == done.returncode, done.stderr
    exporters = json.loads(done.stderr.splitlines()[-1])["exporters"]
    assert (
        {"delivered": 2, "skipped": 0, "rejected": 0, "left": 0}
        == exporters["files"]
        == exporters["variance"]
    )
    assert [("order paid", 0), ("order paid", 0)] == [
        (message["event"], message["properties"]["known_for_days"])
        for message in sent
        if message["type"] == "track"  # type: ignore[comparison-overlap]
    ]
    [file] = (tmp_path / "exported").iterdir()
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert addresses[1:] == sorted(row["distinct_id"] for row in rows)
    assert {0} == {row["properties"]["known_for_days"] for row in rows}
    assert "demo" not in done.stderr.replace("demo.", "")
