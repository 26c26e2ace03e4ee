"""A power cut loses nothing that the state file promised to keep: `proofs.power_cut`, small."""

from pathlib import Path

import pytest

from proofs.power_cut import cut_power


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_at_any_moment_loses_nothing_that_was_promised(tmp_path: Path, seed: int) -> None:
    """At dozens of moments of a run: the file opens, is sound, and holds all that was promised."""
    found = cut_power(tmp_path, seeds=[seed], every=11)

    assert [] == found.lost
    assert found.cuts > 30


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_same_test_finds_what_is_lost_without_syncing(tmp_path: Path, synchronous: str) -> None:
    """Were SQLite told to sync less, cuts would lose what was promised: a test of the test."""
    assert cut_power(tmp_path, seeds=[0], every=11, synchronous=synchronous).lost
