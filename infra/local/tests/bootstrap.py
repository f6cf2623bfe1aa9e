"""A Lambda function without dependencies, for the tests: it speaks the Runtime API as a compiled `bootstrap` does.

It answers its environment to a direct call, reports messages that say `poison` as failed, and says on the queue in
`SAY` what it got.
"""

import json
import os
import urllib.parse
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"


def say(event):
    """Send the event to a queue, with the function's own credentials."""
    fields = {"Action": "SendMessage", "QueueUrl": os.environ["SAY"], "MessageBody": json.dumps(event)}
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/sqs/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Security-Token": os.environ["AWS_SESSION_TOKEN"],
    }
    data = urllib.parse.urlencode(fields).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], data, headers)).read()


def handle(event):
    """The function."""
    if "SAY" in os.environ:
        say(event)
    records = event.get("Records")
    if records is None:
        return dict(os.environ)
    failed = [record for record in records if "poison" in record.get("body", "")]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


while True:
    with urllib.request.urlopen(f"{API}/invocation/next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        answer = json.dumps(handle(json.load(invocation))).encode()
    urllib.request.urlopen(f"{API}/invocation/{request_id}/response", answer).read()
