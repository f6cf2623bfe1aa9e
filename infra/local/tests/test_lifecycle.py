"""Starting and stopping: on loopback only, and nothing stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from .support import LAUNCHER, eventually, stack


def descendants(pid: int) -> set[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return {pid}.union(*(descendants(child) for child in found))


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listeners(pids: set[int]) -> set[str]:
    """The addresses on which the processes listen, in the kernel's hexadecimal."""
    sockets = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(entry) if entry.is_symlink() else ""
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(fields[1].split(":")[0])
    return found


class Lifecycle(unittest.TestCase):
    def start(self, *arguments: str, stdin: int = subprocess.PIPE) -> tuple[subprocess.Popen[str], dict[str, object]]:
        pipe, command = subprocess.PIPE, [sys.executable, str(LAUNCHER), *arguments]
        process = subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    def check_gone(self, process: subprocess.Popen[str], pids: set[int], code: int = 0) -> None:
        self.assertEqual(code, process.wait(10))
        eventually(lambda: not any(map(alive, pids)), 3)
        self.assertEqual([], [pid for pid in pids if alive(pid)])

    def test_signals_end_it_cleanly(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                process, contract = self.start(stdin=subprocess.DEVNULL)
                pids = descendants(process.pid)
                self.assertEqual((3, process.pid), (len(pids), contract["pid"]))
                process.send_signal(number)
                self.check_gone(process, pids)
                self.assertFalse(Path(str(contract["workdir"])).exists())

    def test_the_end_of_its_input_ends_it(self) -> None:
        with tempfile.TemporaryDirectory() as kept:
            process, _ = self.start("--workdir", kept)
            pids = descendants(process.pid)
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None
            self.check_gone(process, pids)
            self.assertTrue(Path(kept, "calls.jsonl").exists())

    def test_killing_it_kills_the_emulators(self) -> None:
        with tempfile.TemporaryDirectory() as kept:
            process, _ = self.start("--workdir", kept, stdin=subprocess.DEVNULL)
            pids = descendants(process.pid)
            process.kill()
            self.check_gone(process, pids, -signal.SIGKILL)

    def test_what_a_killed_stack_left_is_swept_by_the_next(self) -> None:
        killed, contract = self.start(stdin=subprocess.DEVNULL)
        killed.kill()
        killed.wait()
        self.assertTrue(Path(str(contract["workdir"])).exists())
        self.start()
        self.assertFalse(Path(str(contract["workdir"])).exists())

    def test_the_death_of_an_emulator_is_told(self) -> None:
        process, _ = self.start(stdin=subprocess.DEVNULL)
        pids = descendants(process.pid)
        os.kill(max(pids - {process.pid}), signal.SIGKILL)
        self.check_gone(process, pids, 1)
        assert process.stderr is not None
        self.assertIn("the local stack failed: ministack_plus ended", process.stderr.read())

    def test_it_listens_on_loopback_only(self) -> None:
        loopback = {"0100007F"}
        self.assertEqual(loopback, listeners(descendants(stack().process.pid)))

    def test_it_starts_in_seconds(self) -> None:
        began = time.monotonic()
        self.start()
        self.assertLess(time.monotonic() - began, 15)


if __name__ == "__main__":
    unittest.main()
