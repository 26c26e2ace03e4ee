"""What the demo says last: commands that a newcomer can copy as they stand."""

from pathlib import Path

import pytest

from variance_plugin.cli.demo_run import called_as


def test_the_program_is_called_as_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `make demo` that is by its path; with an environment that is switched on, by its name."""
    scripts = tmp_path / ".venv" / "bin"
    scripts.mkdir(parents=True)
    program = scripts / "variance-plugin"
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)

    monkeypatch.setenv("PATH", "/nowhere")
    assert ".venv/bin/variance-plugin" == called_as(".venv/bin/variance-plugin")
    assert ".venv/bin/variance-plugin" == called_as(str(program))
    assert "variance-plugin" == called_as("/somewhere/variance_plugin/__main__.py")

    monkeypatch.setenv("PATH", str(scripts))
    assert "variance-plugin" == called_as(str(program))
