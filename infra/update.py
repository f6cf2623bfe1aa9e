"""Writes what is derived: permissions from the code; from template.yaml the forwarders' rules, Terraform, the cost sheet."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

for command in (["permissions.py"], ["forward.py"], ["terraform/generate.py"], ["cost.py", "--write"]):
    subprocess.run([sys.executable, str(HERE / command[0]), *command[1:]], check=True)
