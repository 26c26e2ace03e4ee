"""What every test shares: how Hypothesis looks for examples."""

import os

from hypothesis import settings

# No deadline on one example: machines are shared and noisy, and pytest's time limit catches a hang.
# Elsewhere each run tries new examples and remembers what failed; in CI the examples follow from the
# test alone, so that a red build is the change's doing and a second run gives the same answer.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
