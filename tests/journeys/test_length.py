"""A journey can be read at a glance."""

import ast
from pathlib import Path

import pytest


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda file: file.stem)
def test_a_journey_has_less_than_30_lines(file: Path) -> None:
    """One that needs more tells two stories."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]

    assert functions
    assert [] == [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 30 - 1]
