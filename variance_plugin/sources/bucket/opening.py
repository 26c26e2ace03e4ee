"""Which kind of store an address means."""

from pathlib import Path

from ...errors import UsageError
from .folder import Folder
from .object_store import Access, ObjectStore
from .store import Store

SCHEMES = ("s3", "gs", "az")


def open_store(url: str, access: Access) -> Store:
    """The bucket, or the part of it, or the folder, that a person means.

    Args:
        url: `s3://bucket/prefix`, likewise `gs://` and `az://`, or a path.
        access: How to get at a bucket.

    Raises:
        UsageError: It is none, or obstore is missing.
    """
    scheme, is_address, rest = url.partition("://")
    if not is_address:
        return Folder(Path(url))
    bucket, _, prefix = rest.partition("/")
    if scheme not in SCHEMES or not bucket or not url.isprintable() or "@" in bucket or "?" in rest:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UsageError(
            f"source.url: {scheme}://… is no address of a bucket: it is one of {known} with a name and "
            "perhaps a prefix, such as s3://exports/posthog, or the path of a folder"
        )
    prefix = prefix.strip("/")
    return ObjectStore(scheme, bucket, f"{prefix}/" if prefix else "", access)
