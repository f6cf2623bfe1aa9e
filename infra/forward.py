"""Writes the rules of forwarder.yaml and member.yaml from those of template.yaml: `python infra/forward.py`.

Patterns have to be the same where an event comes from and where it is taken, and people read them in three places.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
BEGIN = "  # ---- the rules of template.yaml, written by forward.py\n"
END = "  # ---- the end of these rules\n"
FORWARDER_ROLE = "!GetAtt ForwarderRole.Arn"
# Where the role is made the rules come after it; elsewhere only its name is known.
MEMBER_ROLE = (
    "!If [HasRoles, !GetAtt EventsRole.Arn, "
    '!Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/forester/ForesterEvents"]'
)
# What AWS tells the management account only.
OF_THE_ORGANIZATION = {"OrganizationRule", "ControlTowerRule"}


def rules(text: str) -> dict[str, str]:
    """Each rule's text without its targets, by logical id."""
    found = re.findall(r"^  (\w+):\n(    Type: AWS::Events::Rule\n.*?)      Targets:\n", text, re.MULTILINE | re.DOTALL)
    return {name: f"  {name}:\n{body}" for name, body in found}


def written(name: str, role: str, taken: dict[str, str]) -> str:
    """The template `name` with `taken` between its two marks."""
    text = (HERE / name).read_text(encoding="utf-8")
    target = "        - {Id: home, Arn: !Ref HomeBus, RoleArn: %s, DeadLetterConfig: {Arn: !GetAtt Undelivered.Arn}}\n" % role
    blocks = "".join(f"{body}      Targets:\n{target}\n" for body in taken.values())
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + blocks + END + after


def files() -> dict[str, str]:
    taken = rules((HERE / "template.yaml").read_text(encoding="utf-8"))
    of_members = {name: body for name, body in taken.items() if name not in OF_THE_ORGANIZATION}
    return {
        "forwarder.yaml": written("forwarder.yaml", FORWARDER_ROLE, taken),
        "member.yaml": written("member.yaml", MEMBER_ROLE, of_members),
    }


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
