"""How often Python looks for reference cycles while events pass through."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# What an event leaves behind, it leaves without cycles: its end frees it. Looking for them after every 700
# objects, as Python does, took a tenth of the time of a run and found nothing.
_OBJECTS = 20_000
_YOUNG, _MIDDLE = 20, 20


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look seldom, and never at what was there before: the program itself."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, _YOUNG, _MIDDLE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
