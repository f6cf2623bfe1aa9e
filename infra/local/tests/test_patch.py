"""What is added to moto steps aside loudly once moto has it itself."""

from __future__ import annotations

import unittest
from typing import Any

from moto_plus.patch import around, lacking


class Service:
    """Stands for a class of moto."""

    def known(self) -> str:
        return "moto"


def ours(self: Any) -> str:
    return "ours"


class Patch(unittest.TestCase):
    def test_what_moto_lacks_is_added(self) -> None:
        owner = type("Newer", (Service,), {})
        lacking(owner, "unknown", ours)
        self.assertEqual("ours", owner().unknown())

    def test_what_moto_has_by_now_is_refused_and_stays(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "moto has Service.known by now"):
            lacking(Service, "known", ours)
        self.assertEqual("moto", Service().known())

    def test_what_moto_has_renamed_cannot_be_wrapped(self) -> None:
        with self.assertRaises(AttributeError):
            around(Service, "renamed", lambda original, self: original(self))


if __name__ == "__main__":
    unittest.main()
