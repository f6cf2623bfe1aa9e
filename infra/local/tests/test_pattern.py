"""The filter pattern language, on the patterns that people deploy: the CIS benchmark's."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

from pattern import BadPattern, compile_pattern

ROOT = '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}'
DENIED = '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'
NO_MFA = '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }'
KMS = "{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }"

CASES = [
    (ROOT, {"userIdentity": {"type": "Root"}, "eventType": "AwsApiCall"}, True),
    (ROOT, {"userIdentity": {"type": "Root", "invokedBy": "x"}, "eventType": "AwsApiCall"}, False),
    (ROOT, {"userIdentity": {"type": "Root"}, "eventType": "AwsServiceEvent"}, False),
    (DENIED, {"errorCode": "Client.UnauthorizedOperation"}, True),
    (DENIED, {"errorCode": "AccessDeniedException"}, True),
    (DENIED, {"errorCode": "Throttling"}, False),
    (DENIED, {}, False),
    (NO_MFA, {"eventName": "ConsoleLogin", "additionalEventData": {"MFAUsed": "No"}}, True),
    (NO_MFA, {"eventName": "ConsoleLogin", "additionalEventData": {"MFAUsed": "Yes"}}, False),
    (NO_MFA, {"eventName": "ConsoleLogin"}, False),
    (KMS, {"eventSource": "kms.amazonaws.com", "eventName": "DisableKey"}, True),
    (KMS, {"eventSource": "kms.amazonaws.com", "eventName": "CreateKey"}, False),
    ("{ $.bytes > 75 }", {"bytes": 76}, True),
    ("{ $.bytes > 75 }", {"bytes": 75}, False),
    ("{ $.bytes <= 1e2 }", {"bytes": 100.0}, True),
    ("{ $.bytes > 75 }", {"bytes": "76"}, False),
    ("{ $.code = 404 }", {"code": "404"}, True),
    ("{ $.readOnly IS TRUE }", {"readOnly": True}, True),
    ("{ $.readOnly IS FALSE }", {"readOnly": True}, False),
    ("{ $.error IS NULL }", {"error": None}, True),
    ("{ $.error IS NULL }", {}, False),
    ("{ $.list[1].id = b }", {"list": [{"id": "a"}, {"id": "b"}]}, True),
    ("{ $.list[*].id = b }", {"list": [{"id": "a"}, {"id": "b"}]}, True),
    ("{ $.['a b'] = x }", {"a b": "x"}, True),
    ("{ $.name = %^Del.*Trail$% }", {"name": "DeleteTrail"}, True),
    ("{ $.a = 1 || $.b = 1 && $.c = 1 }", {"a": 1}, True),
    ("{ ($.a = 1 || $.b = 1) && $.c = 1 }", {"a": 1}, False),
    ('{ $.text = "say \\"hi\\"*" }', {"text": 'say "hi" now'}, True),
    ("{ $.on = true }", {"on": True}, True),
]

TERMS = [
    ("ERROR", "an ERROR here", True),
    ("ERROR", "an error here", False),
    ("ERROR -debug", "ERROR debug", False),
    ("?timeout ?refused", "refused", True),
    ("?timeout ?refused", "fine", False),
    ('"access denied"', "was access denied", True),
    ("", "anything", True),
]


# The cases that the library's own evaluator is held to; fields between spaces are not evaluated here.
SHARED = Path(__file__).resolve().parents[3] / "shared" / "src" / "pattern" / "cases.json"


class Pattern(unittest.TestCase):
    """Each case is pattern, message, whether it matches."""

    def test_json_patterns_match_as_documented(self) -> None:
        for pattern, event, expected in CASES:
            with self.subTest(pattern=pattern, event=event):
                self.assertEqual(compile_pattern(pattern)(json.dumps(event)), expected)

    def test_terms_match_as_documented(self) -> None:
        for pattern, message, expected in TERMS:
            with self.subTest(pattern=pattern, message=message):
                self.assertEqual(compile_pattern(pattern)(message), expected)

    def test_library_and_stack_judge_alike(self) -> None:
        shared = json.loads(SHARED.read_text())
        for group in ("documented", "settled", "regexes"):
            for pattern, name, expected in shared[group]:
                event = shared["events"].get(name, name)
                message = event if isinstance(event, str) else json.dumps(event)
                with self.subTest(pattern=pattern, message=message):
                    self.assertEqual(compile_pattern(pattern)(message), expected)

    def test_json_patterns_never_match_other_text(self) -> None:
        self.assertFalse(compile_pattern("{ $.a NOT EXISTS }")("not json"))

    def test_what_aws_refuses_is_refused(self) -> None:
        for pattern in ("{ $.a = }", "{ $.a", "{ a = 1 }", "{ $.a = 1 } x", "{ $.a > b }", "{ $.a IS MAYBE }", "{ $.a EXISTS }", "{}"):
            with self.subTest(pattern=pattern), self.assertRaises(BadPattern):
                compile_pattern(pattern)


if __name__ == "__main__":
    unittest.main()
