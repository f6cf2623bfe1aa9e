"""The filter pattern language of CloudWatch Logs, evaluated.

`{ ($.eventName = "Delete*") && ($.userIdentity.invokedBy NOT EXISTS) }` over JSON messages, and plain terms
(`ERROR -debug`, `?timeout ?refused`, `"access denied"`) over any text. Neither emulator evaluates the JSON form; they
return everything, so that a wrong pattern would find its events here and none on AWS.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

A comparison with a property that the message does not have is false, `!=` included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Test = Callable[[Any], bool]

TOKEN = re.compile(
    r"""\s*(?:
        (?P<punct>&&|\|\||!=|<=|>=|[=<>(){}])
      | (?P<selector>\$(?:\.(?:[\w@:*/-]+)|\[(?:'[^']*'|"[^"]*"|\d+|\*)\]|\.\[(?:'[^']*'|"[^"]*")\])+)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | %(?P<regex>(?:[^%\\]|\\.)*)%
      | (?P<word>[^\s=<>!(){}&|"]+)
    )""",
    re.VERBOSE,
)
STEP = re.compile(r"\.([\w@:*/-]+)|\.?\[(?:'([^']*)'|\"([^\"]*)\"|(\d+|\*))\]")
TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|(\S+))')
NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


class BadPattern(ValueError):
    """A pattern that AWS would refuse with InvalidParameterException."""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Callable[[str], bool]:
    """The test for log messages that a pattern stands for; BadPattern when it is not one."""
    text = text.strip()
    if not text:
        return lambda message: True
    if text.startswith("{"):
        return json_test(Parser(text).whole())
    if text.startswith("["):
        raise BadPattern("space-delimited patterns ([a, b, c]) are not supported by the local stack")
    return terms_test(text)


def json_test(test: Test) -> Callable[[str], bool]:
    """Apply a test to messages that are JSON objects; others never match."""

    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return isinstance(event, dict) and test(event)

    return matches


def terms_test(text: str) -> Callable[[str], bool]:
    """All plain terms, no `-term`; any of the `?terms` when there are no others."""
    terms = [(sign, term_regex(*parts)) for sign, *parts in TERM.findall(text)]
    needed = [regex for sign, regex in terms if sign == ""]
    excluded = [regex for sign, regex in terms if sign == "-"]
    optional = [regex for sign, regex in terms if sign == "?"]

    def matches(message: str) -> bool:
        if any(regex.search(message) for regex in excluded):
            return False
        if needed or excluded:
            return all(regex.search(message) for regex in needed)
        return not optional or any(regex.search(message) for regex in optional)

    return matches


def term_regex(quoted: str, regex: str, word: str) -> re.Pattern[str]:
    """A term is found as a substring, case and all."""
    return re.compile(regex) if regex else re.compile(re.escape(unescape(quoted) or word))


class Parser:
    """Recursive descent over the tokens of a JSON pattern: or, and, parentheses, comparison."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.at = 0

    def whole(self) -> Test:
        """`{ condition }`, and nothing after it."""
        self.expect("{")
        test = self.either()
        self.expect("}")
        if self.at != len(self.tokens):
            raise BadPattern(f"unexpected {self.tokens[self.at][1]!r} after the pattern")
        return test

    def either(self) -> Test:
        """Conditions joined by `||`."""
        tests = [self.both()]
        while self.accept("||"):
            tests.append(self.both())
        return lambda event: any(test(event) for test in tests)

    def both(self) -> Test:
        """Conditions joined by `&&`, which binds tighter."""
        tests = [self.one()]
        while self.accept("&&"):
            tests.append(self.one())
        return lambda event: all(test(event) for test in tests)

    def one(self) -> Test:
        """A condition in parentheses, or a comparison."""
        if self.accept("("):
            test = self.either()
            self.expect(")")
            return test
        return self.comparison()

    def comparison(self) -> Test:
        """`$.selector operator value`."""
        kind, selector = self.take()
        if kind != "selector":
            raise BadPattern(f"expected a selector such as $.eventName, found {selector!r}")
        steps = path_of(selector)
        kind, operator = self.take()
        if kind == "word":
            return self.predicate(steps, operator.upper())
        if operator not in ("=", "!=", "<", "<=", ">", ">="):
            raise BadPattern(f"expected an operator after {selector}, found {operator!r}")
        return value_test(steps, operator, *self.take())

    def predicate(self, steps: list[str], first: str) -> Test:
        """`NOT EXISTS`, `IS NULL`, `IS TRUE`, `IS FALSE`; AWS has no `EXISTS`."""
        words = f"{first} {self.take()[1].upper()}"
        if words not in PREDICATES:
            raise BadPattern(f"unknown condition {words!r}")
        holds = PREDICATES[words]
        return lambda event: holds(found(event, steps))

    def take(self) -> tuple[str, str]:
        """The next token."""
        if self.at == len(self.tokens):
            raise BadPattern("the pattern ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, punct: str) -> bool:
        """Step over the given punctuation, if it comes next."""
        if self.at < len(self.tokens) and self.tokens[self.at] == ("punct", punct):
            self.at += 1
            return True
        return False

    def expect(self, punct: str) -> None:
        """Step over the given punctuation, which has to come next."""
        if not self.accept(punct):
            there = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise BadPattern(f"expected {punct!r}, found {there!r}")


def tokenize(text: str) -> list[tuple[str, str]]:
    """The pattern as (kind, text) pairs."""
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match or match.end() == at:
            raise BadPattern(f"cannot read the pattern at {text[at:at + 20]!r}")
        tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        at = match.end()
    return tokens


def path_of(selector: str) -> list[str]:
    """`$.a.b[0].['c d']` as its steps."""
    return [next(part for part in groups if part) for groups in STEP.findall(selector[1:])]


def found(event: Any, steps: list[str]) -> list[Any]:
    """All values at a path; several when a step is `*`, none when there is no such property."""
    values = [event]
    for step in steps:
        values = [inner for value in values for inner in entered(value, step)]
    return values


def entered(value: Any, step: str) -> list[Any]:
    """The values one step below a value."""
    if isinstance(value, dict):
        return list(value.values()) if step == "*" else [value[step]] if step in value else []
    if isinstance(value, list):
        if step == "*":
            return value
        return [value[int(step)]] if step.isdigit() and int(step) < len(value) else []
    return []


PREDICATES: dict[str, Callable[[list[Any]], bool]] = {
    "NOT EXISTS": lambda values: not values,
    "IS NULL": lambda values: any(value is None for value in values),
    "IS TRUE": lambda values: any(value is True for value in values),
    "IS FALSE": lambda values: any(value is False for value in values),
}


def value_test(steps: list[str], operator: str, kind: str, wanted: str) -> Test:
    """The test for one comparison."""
    if kind == "word" and NUMBER.match(wanted):
        return number_test(steps, operator, float(wanted), wanted)
    if operator not in ("=", "!="):
        raise BadPattern(f"{operator} needs a number, found {wanted!r}")
    regex = text_regex(kind, wanted)

    def test(event: Any) -> bool:
        texts = [as_text(value) for value in found(event, steps)]
        hits = [bool(regex.search(text)) for text in texts if text is not None]
        return any(hit == (operator == "=") for hit in hits)

    return test


def number_test(steps: list[str], operator: str, wanted: float, text: str) -> Test:
    """Numbers compare as numbers; a string that is the same text is equal, too."""
    compare = COMPARISONS[operator]

    def holds(value: Any) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return compare(value, wanted)
        return isinstance(value, str) and operator in ("=", "!=") and compare(value, text)

    return lambda event: any(holds(value) for value in found(event, steps))


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def text_regex(kind: str, wanted: str) -> re.Pattern[str]:
    """A wanted text, in which `*` stands for anything; `%...%` is a regular expression already."""
    if kind == "regex":
        return re.compile(wanted)
    if kind not in ("quoted", "word"):
        raise BadPattern(f"expected a value, found {wanted!r}")
    parts = (unescape(wanted) if kind == "quoted" else wanted).split("*")
    return re.compile("^" + ".*".join(re.escape(part) for part in parts) + r"\Z", re.DOTALL)


def as_text(value: Any) -> str | None:
    """A value as a pattern compares it; objects, arrays and null are not compared."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (int, float)) else None


def unescape(quoted: str) -> str:
    """A quoted text without its backslashes."""
    return re.sub(r"\\(.)", r"\1", quoted)
