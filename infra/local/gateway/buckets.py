"""Buckets of the management account, for services of the other emulator that look at them.

moto answers CloudTrail and Config, and ministack has the management account's buckets: what a trail or a delivery
channel names is looked up there, and goes along with the call in a header (see `moto_plus/delivery_buckets.py`).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from multidict import CIMultiDict

from .accounts import MANAGEMENT_ACCOUNT
from .call import Call
from .proxy import Answer
from .route import MINISTACK

if TYPE_CHECKING:
    from .app import Gateway

NAMING = {("cloudtrail", "CreateTrail"), ("cloudtrail", "UpdateTrail"), ("config", "PutDeliveryChannel")}


async def looked_up(gateway: Gateway, call: Call, body: bytes) -> dict[str, str]:
    """The header about the bucket that the call names, if it is the management account's."""
    if (call.service, call.action) not in NAMING:
        return {}
    params = json.loads(body or b"{}")
    name = params.get("S3BucketName") or params.get("DeliveryChannel", {}).get("s3BucketName")
    if not name:
        return {}
    answer = await policy_of(gateway, name, "us-east-1")
    elsewhere = answer.headers.get("x-amz-bucket-region")
    if elsewhere and b"PermanentRedirect" in answer.body:
        answer = await policy_of(gateway, name, elsewhere)
    if answer.status != 200 and b"NoSuchBucketPolicy" not in answer.body:
        return {}
    policy = answer.body.decode() if answer.status == 200 else ""
    found = json.dumps({"account": MANAGEMENT_ACCOUNT, "policy": policy})
    return {"x-local-bucket": base64.b64encode(found.encode()).decode()}


async def policy_of(gateway: Gateway, name: str, region: str) -> Answer:
    """The emulator's answer about the policy of a bucket, asked in a region."""
    scope = f"{MANAGEMENT_ACCOUNT}/20260101/{region}/s3/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers = CIMultiDict({"Authorization": signed})
    return await gateway.proxy.fetch(MINISTACK, "GET", f"/{quote(name)}?policy", headers, b"")
