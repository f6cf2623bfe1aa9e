"""What Forester costs, from prices and counts: `python infra/cost.py [--write]` prints, or puts it into docs/cost.md.

Every number is a price with its source, a count of the template, a figure of a benchmark, or an assumption that says so.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.templates import load, of_type

PAGE = Path(__file__).resolve().parent.parent / "docs/cost.md"
BEGIN = "<!-- written by infra/cost.py -->\n"
END = "<!-- the end of what infra/cost.py writes -->\n"

# Dollars in us-east-1. The sources are in docs/cost.md.
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_REQUEST = 0.20 / 1e6
SQS_REQUEST = 0.40 / 1e6
TRANSITION = 0.025 / 1e3
CROSS_ACCOUNT_EVENT = 1.00 / 1e6
LOG_GB = 0.50
ALARM = 0.10
METRIC = 0.30
WRITE = 0.625 / 1e6
KEY = 1.00
DASHBOARD = 3.00
COST_QUESTION = 0.01

HOURS = 720
POLLS = 5 * 3 * 60 * HOURS  # five long polls of 20 seconds for each queue that a function reads
METRICS = 30  # series that are written in an ordinary month
# Assumptions: nothing of this was measured on AWS.
SWEEP_SECONDS, BASELINE_SECONDS, RESET_SECONDS, ALERT_SECONDS = 5, 60, 90, 0.5
RUN_LOG = 3 / 1e6  # GB a run
TRANSITIONS = 20
MESSAGES_OF_RUN = 3
WRITES_OF_RUN, WRITES_OF_ALERT = 4, 10
SIZES = (10, 100, 1000)


def run(seconds: float, gigabytes: float, writes: int) -> float:
    """One message that a function works on: time, requests, log, state."""
    return (seconds * gigabytes * LAMBDA_GB_SECOND + LAMBDA_REQUEST + MESSAGES_OF_RUN * SQS_REQUEST
            + RUN_LOG * LOG_GB + writes * WRITE)


def tables() -> str:
    template = load("template.yaml")
    alarms = len(of_type(template, "AWS::CloudWatch::Alarm"))
    queues = sum(event["Type"] == "SQS" for function in of_type(template, "AWS::Serverless::Function").values()
                 for event in function.get("Events", {}).values())
    timers = sum("rate(1 minute)" in str(one) for one in of_type(template, "AWS::Scheduler::Schedule").values())
    waking = timers * 60 * HOURS * (run(0.1, 0.25, 1) - RUN_LOG * LOG_GB * 0.8)
    standing = [
        (f"{alarms} alarms at {ALARM:.2f}", alarms * ALARM),
        (f"{METRICS} metrics at {METRIC:.2f}", METRICS * METRIC),
        ("the key of the topics", KEY),
        ("the dashboard, where it is not one of the three free ones", DASHBOARD),
        (f"{queues} queues that are polled, {POLLS:,} requests each", queues * POLLS * SQS_REQUEST),
        (f"{timers} timers of a minute, each with a run of a tenth of a second", waking),
    ]
    idle = sum(dollars for _, dollars in standing)
    text = "| a month, whatever the number of accounts | USD |\n|---|---:|\n"
    text += "".join(f"| {what} | {dollars:.2f} |\n" for what, dollars in standing)
    text += f"| **together** | **{idle:.2f}** |\n\n"
    sweep = run(SWEEP_SECONDS, 0.5, WRITES_OF_RUN)
    baseline = run(BASELINE_SECONDS, 0.5, WRITES_OF_RUN)
    reset = run(RESET_SECONDS, 0.5, WRITES_OF_RUN) + TRANSITIONS * TRANSITION + COST_QUESTION
    alert = 2 * run(ALERT_SECONDS, 0.25, WRITES_OF_ALERT // 2) + CROSS_ACCOUNT_EVENT
    text += "| one of | USD |\n|---|---:|\n"
    text += f"| a look at an account that is as declared (sweep) | {sweep:.6f} |\n"
    text += f"| a baseline of a new account | {baseline:.6f} |\n"
    text += f"| a reset, with the question to Cost Explorer ({COST_QUESTION:.2f}) | {reset:.6f} |\n"
    text += f"| an alert, from another account, to one channel | {alert:.6f} |\n\n"
    text += "| a month of | " + " | ".join(f"{size} accounts" for size in SIZES) + " |\n|---|" + "---:|" * len(SIZES) + "\n"
    rows = {
        "what stands": [idle] * len(SIZES),
        "a sweep an hour": [size * HOURS * sweep for size in SIZES],
        "one new account for each ten": [size / 10 * baseline for size in SIZES],
        "four resets of each tenth account": [size / 10 * 4 * reset for size in SIZES],
        "ten alerts for each account": [size * 10 * alert for size in SIZES],
    }
    text += "".join(f"| {what} | " + " | ".join(f"{one:.2f}" for one in row) + " |\n" for what, row in rows.items())
    totals = [sum(row[at] for row in rows.values()) for at in range(len(SIZES))]
    return text + "| **USD together** | " + " | ".join(f"**{one:.2f}**" for one in totals) + " |\n"


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + tables() + END + rest.split(END)[1]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(tables())
