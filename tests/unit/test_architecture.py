"""Rules about the code as a whole which `make check` has no tool for."""

from importlib.metadata import version
from pathlib import Path

import pytest

import variance_plugin
from variance_plugin.__about__ import NAME, __version__

MAX_MODULE_LINES = 400


def test_no_module_is_too_long_to_hold_one_idea() -> None:
    """No module passes 400 lines: one that does holds two ideas, and is split."""
    package = Path(variance_plugin.__file__).parent
    lengths = {
        str(module.relative_to(package)): len(module.read_text(encoding="utf-8").splitlines())
        for module in package.rglob("*.py")
    }

    assert {} == {module: lines for module, lines in lengths.items() if lines > MAX_MODULE_LINES}


def test_the_package_and_its_installation_tell_one_version() -> None:
    """What the plugin calls itself on the wire is what `pip` calls it."""
    assert version(NAME) == __version__


@pytest.mark.xdist_group("costly")
def test_tests_that_share_something_costly_share_a_process(request: pytest.FixtureRequest) -> None:
    """The group is told by the name of the test; a release of pytest once let that get lost in silence."""
    is_grouped = getattr(request.config.option, "loadgroup", False)

    assert is_grouped == request.node.nodeid.endswith("@costly")
