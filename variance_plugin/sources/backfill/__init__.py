"""What PostHog has kept, asked for by its API: window by window, as files, or row by row where it makes none.

In the order in which it goes: `windows` (which parts of the time), `exports` (files are made) with
`export_reading`, or `queries` with `query_reading`; `source` is all of it.
"""

from .source import BackfillSource
from .wanted import Wanted
from .windows import LONGEST, Window

__all__ = ["LONGEST", "BackfillSource", "Wanted", "Window"]
