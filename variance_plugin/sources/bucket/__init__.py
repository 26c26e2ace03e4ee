"""PostHog's batch exports in a bucket of S3, Google Cloud Storage or Azure, or in a folder.

In the order in which an object passes through: `opening`, `store` with `object_store`, `refusals` and
`folder` (where objects are), `listing` (what there is), `names` (what a name says), `done` and `choosing`
(what of it is to be read), `patience` (for a bucket that does not answer), `objects` with `parquet` (from
bytes to records), `source` (all of it together).
"""

from .choosing import Narrowing
from .object_store import Access
from .opening import open_store
from .source import Bucket, BucketSource

__all__ = ["Access", "Bucket", "BucketSource", "Narrowing", "open_store"]
