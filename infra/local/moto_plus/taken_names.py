"""Names that are taken: buckets of other accounts, references of hosted zones; and metric filters, which are replaced.

moto denies access to the bucket instead, makes a zone for every call, and keeps both filters of one name.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
"""

from __future__ import annotations

from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogsBackend
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend, s3_backends

from .patch import around


def create_bucket(original: Any, self: S3Backend, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
    """A bucket, unless it is another account's."""
    owner = s3_backends.bucket_accounts.get(bucket_name)
    if owner and owner[1] != self.account_id:
        raise S3ClientError("BucketAlreadyExists", "The requested bucket name is not available.")
    return original(self, bucket_name, *args, **kwargs)


def create_hosted_zone(original: Any, self: Route53Backend, name: str, *args: Any, **kwargs: Any) -> Any:
    """A zone for each reference of the caller's."""
    reference = kwargs.get("caller_reference")
    if reference and any(zone.caller_reference == reference for zone in self.zones.values()):
        message = f"A hosted zone has already been created with the specified caller reference: {reference}"
        raise Route53ClientError("HostedZoneAlreadyExists", message)
    return original(self, name, *args, **kwargs)


def put_metric_filter(
    original: Any, self: LogsBackend, filter_name: str, filter_pattern: str, log_group_name: str, *args: Any
) -> None:
    """A filter of a group that exists, in place of the one of that name."""
    if log_group_name not in self.groups:
        raise ResourceNotFoundException("The specified log group does not exist.")
    self.filters.delete_filter(filter_name, log_group_name)
    original(self, filter_name, filter_pattern, log_group_name, *args)


def install() -> None:
    """Make moto keep names apart."""
    around(S3Backend, "create_bucket", create_bucket)
    around(Route53Backend, "create_hosted_zone", create_hosted_zone)
    around(LogsBackend, "put_metric_filter", put_metric_filter)
