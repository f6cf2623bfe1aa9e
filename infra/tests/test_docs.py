"""What the documents say of the templates is so."""

from __future__ import annotations

import re
import unittest

import cost
from tests.templates import ROOT, TEMPLATES, load

DOCS = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


class Docs(unittest.TestCase):
    def test_the_cost_sheet_is_what_prices_and_counts_give(self) -> None:
        there = cost.PAGE.read_text(encoding="utf-8")
        self.assertTrue(there == cost.page(), "docs/cost.md is not current: run python infra/cost.py --write")

    def test_every_test_that_is_named_exists(self) -> None:
        """Documents name tests as `name_of_test`, or say that there is none."""
        text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in DOCS)
        code = "".join(path.read_text(encoding="utf-8") for place in ("shared/src", "tests", "cli/src", "infra/tests", "infra/local/tests")
                       for path in (ROOT / place).rglob("*") if path.suffix in (".rs", ".py"))
        named = {name for name in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", text)}
        for name in named:
            self.assertTrue(re.search(rf"\b(fn|def) {name}\b", code), f"there is no test {name}")
        self.assertGreater(len(named), 20)

    def test_every_parameter_is_explained(self) -> None:
        text = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
        for name in TEMPLATES:
            for parameter in load(name)["Parameters"]:
                self.assertTrue(f"`{parameter}`" in text, f"docs/deploy.md does not say what {parameter} of {name} is")

    def test_every_statement_and_function_is_explained(self) -> None:
        text = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
        for name, resource in load("template.yaml")["Resources"].items():
            if resource["Type"] in ("AWS::Serverless::Function", "AWS::IAM::ManagedPolicy"):
                self.assertTrue(f"`{name}`" in text, f"docs/permissions.md does not say what {name} may do, and why")

    def test_links_lead_somewhere(self) -> None:
        for name in DOCS:
            for link in re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / name).read_text(encoding="utf-8")):
                if not link.startswith("http"):
                    self.assertTrue((ROOT / "docs" / link).exists(), f"{name}: {link}")


if __name__ == "__main__":
    unittest.main()
