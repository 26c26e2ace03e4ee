"""PostHog's cohorts as traits of contacts: who came and who left, as identify messages.

In the order in which it goes: `listing` (which cohorts, and who is in them) with `who` (as whom a person is
known), `membership` (what has been told, kept in the state file), `changes` (what is to be told, as events),
`sync` (all of it, once), `schedule` (again and again, in a thread of a runner), `figures` (what can be seen
of it).
"""

from .changes import COHORT_EVENT
from .figures import Change
from .listing import Cohort, Listing
from .naming import trait_name
from .schedule import Outcome, SyncSchedule
from .sync import CohortSync

__all__ = [
    "COHORT_EVENT",
    "Change",
    "Cohort",
    "CohortSync",
    "Listing",
    "Outcome",
    "SyncSchedule",
    "trait_name",
]
