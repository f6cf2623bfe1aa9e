"""A function of the usual shape, for comparison: reads a notification from SNS, formats it, posts it to a webhook.

`rate FILE...` formats the events of files for two seconds and prints how many a second; without a word it is a function
that speaks the Runtime API.
"""

import json
import os
import sys
import time
import urllib.request

CONTEXT_KEYS = ("Budget Name", "Budget Type", "Budgeted Amount", "Alert Type", "Alert Threshold")


def texts(event):
    """The texts of the notifications in an event, whatever brought it."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not records:
        return [(None, json.dumps(event))]
    found = []
    for record in records:
        if "Sns" in record:
            found.append((record["Sns"].get("Subject"), record["Sns"]["Message"]))
        else:
            found.append((None, record.get("body", "")))
    return found


def formatted(subject, text):
    """The body of a chat message: a title, and the fields that are known."""
    fields = []
    try:
        detail = json.loads(text)
        detail = detail.get("detail", detail)
        fields = [{"title": str(key), "value": str(value)[:300]} for key, value in list(detail.items())[:12]]
        title = str(detail.get("AlarmName") or detail.get("alarmName") or detail.get("eventName") or subject)
    except (ValueError, AttributeError):
        title = subject or text[:80]
        for line in text.splitlines():
            key, found, value = line.partition(": ")
            if found and (key in CONTEXT_KEYS or key.endswith(" Amount")):
                fields.append({"title": key, "value": value})
    return json.dumps({"text": title, "attachments": [{"fallback": title, "fields": fields}]})


def rate(files):
    """Prints how many messages a second are parsed and formatted by one process."""
    events = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            events.append(file.read())
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < 2:
        for event in events:
            for subject, text in texts(json.loads(event)):
                formatted(subject, text)
                count += 1
    print(count / (time.perf_counter() - began))


def serve():
    """Takes events from the Runtime API, one after the other."""
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    while True:
        with urllib.request.urlopen(f"{api}/next") as answer:
            name, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
        for subject, text in texts(event):
            body = formatted(subject, text).encode()
            request = urllib.request.Request(os.environ["HOOK"], body, {"content-type": "application/json"})
            urllib.request.urlopen(request).read()
        urllib.request.urlopen(urllib.request.Request(f"{api}/{name}/response", b"{}")).read()


if __name__ == "__main__":
    rate(sys.argv[2:]) if sys.argv[1:2] == ["rate"] else serve()
