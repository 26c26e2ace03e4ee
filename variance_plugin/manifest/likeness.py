"""What somebody may have meant who wrote a name that there is not."""

from collections.abc import Collection
from difflib import get_close_matches

_LIKENESS = 0.6


def nearest(name: str, known: Collection[str], *, likeness: float = _LIKENESS) -> str:
    """`; did you mean X?`, where something known is near.

    Args:
        name: That was written.
        known: Those there are.
        likeness: How much alike they must be, up to 1.
    """
    folded = {key.casefold(): key for key in known}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=likeness)
    return f"; did you mean {folded[found[0]]}?" if found else ""
