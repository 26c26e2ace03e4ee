"""Buckets of S3, Google Cloud Storage and Azure, through obstore."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError
from ...extras import Extra, needed
from .refusals import fault_of
from .store import Object

_CONNECT_SECONDS = 10
# 8 MB, the most that is asked for at once, in so long; a slower line counts as broken.
_ANSWER_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to get at a bucket, beside what the environment says.

    Attributes:
        endpoint: The address of a store that speaks a cloud's protocol; empty for the cloud itself.
        region: Of S3; empty: as the environment says.
        profile: Of the files of AWS' tools; empty: as the environment says.
    """

    endpoint: str = ""
    region: str = ""
    profile: str = ""


class ObjectStore:
    """See `Store`.

    Args:
        scheme: `s3`, `gs` or `az`.
        bucket: Its name; a container's, on Azure.
        prefix: See `Store`.
        access: How to get at it.

    Raises:
        UsageError: obstore is missing, or cannot use what it was told.
    """

    lists_in_order = True

    def __init__(self, scheme: str, bucket: str, prefix: str, access: Access) -> None:
        with needed(Extra.BUCKET, f"{scheme}://"):
            from obstore import exceptions, store  # noqa: PLC0415 -- an extra
        self.root = f"{scheme}://{bucket}/"
        self.prefix = prefix
        self._scheme = scheme
        self._errors = (exceptions.BaseError, OSError, ValueError)
        options: dict[str, Any] = {
            "client_options": {
                "allow_http": True,  # an endpoint says itself which of the two it speaks
                "connect_timeout": f"{_CONNECT_SECONDS}s",
                "timeout": f"{_ANSWER_SECONDS}s",
            },
            # Who waits is `Patience`, and nobody else.
            "retry_config": {"max_retries": 0},
        }
        profile = access.profile or (os.environ.get("AWS_PROFILE", "") if scheme == "s3" else "")
        if profile:
            options["credential_provider"] = _of_profile(profile)
        try:
            self._store = store.from_url(f"{scheme}://{bucket}", config=_config(scheme, access), **options)
        except self._errors as error:
            raise UsageError(f"{self.root}: {fault_of(error, scheme=scheme)}") from error

    def objects(self, *, after: str | None = None) -> Iterator[Object]:
        """See `Store`."""
        try:
            for chunk in self._store.list(self.prefix or None, offset=after):
                for meta in chunk:
                    version = meta["e_tag"] or f"{meta['size']}-{meta['last_modified'].isoformat()}"
                    yield Object(
                        meta["path"], meta["size"], meta["last_modified"], version, _quoted(meta["e_tag"])
                    )
        except self._errors as error:
            raise fault_of(error, scheme=self._scheme) from error

    def read(self, found: Object, begin: int, end: int) -> bytes:
        """See `Store`."""
        try:
            answer = self._store.get(found.key, options={"range": (begin, end), "if_match": found.etag})
            return bytes(answer.bytes())
        except self._errors as error:
            raise fault_of(error, scheme=self._scheme) from error


def _quoted(etag: str | None) -> str | None:
    """As a request has it; Azure lists it without its quotes."""
    return etag if etag is None or etag.startswith(('"', 'W/"')) else f'"{etag}"'


def _config(scheme: str, access: Access) -> Any:
    endpoint_key = "base_url" if scheme == "gs" else "endpoint"
    settings = {endpoint_key: access.endpoint, "region": access.region if scheme == "s3" else ""}
    return {key: value for key, value in settings.items() if value} or None


def _of_profile(profile: str) -> Any:
    """Raises: UsageError."""
    try:
        from boto3.session import Session  # noqa: PLC0415 -- only AWS' own package reads AWS' files
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("a profile of AWS needs one more package: pip install boto3") from error
    try:
        return Boto3CredentialProvider(Session(profile_name=profile))
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"the profile {profile} of AWS cannot be used: {error}") from error
