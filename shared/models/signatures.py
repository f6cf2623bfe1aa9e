"""Signs again what our client sent: a server on the loopback records requests, botocore computes their signatures."""

import datetime
import http.server
import os
import re
import subprocess
import threading
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs=="

IDENTITY = b"""<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""

CALLS = [
    'iam GetRole {"RoleName":"a b+c"}',
    'ec2 DescribeVpcs {"Filters":[{"Name":"tag:a","Values":["*","\\u00fc&="]}]}',
    'dynamodb PutItem {"TableName":"t","Item":{"id":{"S":"\\u65e5"}}}',
    's3 PutObject {"Bucket":"logs","Key":"a/\\u00fc +?#&%.txt","Body":"aGVsbG8=","Metadata":{"who":"me"}}',
    's3 DeleteObject {"Bucket":"logs","Key":"/leading//double/./dot/../x","VersionId":"v+/="}',
    's3 GetObject {"Bucket":"logs","Key":"a:b@c!d$e\'(f)*,;=[]~"}',
    's3 ListObjectVersions {"Bucket":"logs","Prefix":"a b/+","KeyMarker":"\\u00e4"}',
    's3 DeleteObjects {"Bucket":"logs","Delete":{"Objects":[{"Key":"a&b"}]}}',
    's3control GetPublicAccessBlock {"AccountId":"111122223333"}',
    'lambda DeleteFunction {"FunctionName":"arn:aws:lambda:eu-west-1:111122223333:function:f:1"}',
    'lambda ListTags {"Resource":"arn:aws:lambda:eu-west-1:111122223333:function:a b"}',
    'scheduler GetSchedule {"Name":"n","GroupName":"g g"}',
    'route53 GetHostedZone {"Id":"/hostedzone/Z1"}',
    'organizations ListRoots {}',
]


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps every request; answers who we are, and refuses everything else."""

    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers.items()), body))
        known = b"GetCallerIdentity" in body
        answer = IDENTITY if known else b""
        self.send_response(200 if known else 400)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = handle_any

    def log_message(self, *_):
        pass


def compare(program):
    """How many of the requests carry the signature that botocore computes, of how many; and those that do not."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **kept,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "NO_PROXY": "127.0.0.1",
    }
    command = [program, "home", "eu-west-1"]
    subprocess.run(command, input="\n".join(CALLS).encode(), env=environment, capture_output=True, check=True)
    server.shutdown()
    wrong = [problem for request in server.requests if (problem := check(request))]
    missing = len(CALLS) + 1 - len(server.requests)
    if missing:
        wrong.append(f"signatures: {missing} requests never arrived")
    return len(server.requests) - len(wrong), len(CALLS) + 1, wrong


def check(request):
    method, path, headers, body = request
    given = {name.lower(): value for name, value in headers.items()}
    authorization = given.pop("authorization")
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", authorization)
    signed = re.search(r"SignedHeaders=([^,]+)", authorization).group(1).split(";")
    region, name = scope.groups()
    signer = botocore.auth.S3SigV4Auth if name == "s3" else botocore.auth.SigV4Auth
    again = botocore.awsrequest.AWSRequest(method=method, url=f"http://{given['host']}{path}", data=body)
    for header in signed:
        again.headers[header] = given[header]
    again.context["payload_signing_enabled"] = True
    when = datetime.datetime.strptime(given["x-amz-date"], "%Y%m%dT%H%M%SZ")
    auth = signer(botocore.credentials.Credentials(KEY, SECRET, TOKEN), name, region)
    expected = signature(auth, again, when)
    found = re.search(r"Signature=(\w+)", authorization).group(1)
    return None if found == expected else f"signature {name} {method} {path}: {found} and not {expected}"


def signature(auth, request, when):
    request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    with mock.patch("botocore.auth.get_current_datetime", return_value=when):
        return auth.signature(auth.string_to_sign(request, canonical), request)
