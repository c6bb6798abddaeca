#!/usr/bin/env python3
"""scripts/demo --nats: calls of both PBXs in one view, a killed worker's calls, commands to either and to any; Ctrl-C ends all.

Ends with 77 where npm can't get the client libraries.
"""
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARIBUS_BUILD_DIR", SOURCE / "build/release"))
DEMO = [str(SOURCE / "scripts/demo-nats/run"), str(BUILD)]
SKIPPED = 77


def left():
    """Programs of the demo that run."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"{BUILD}/demo-nats" in command or "aribus-sim --port 0 --playback-ms 3000" in command:
            found.append(command)
    return found


def without_terminal():
    run = subprocess.run(DEMO, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if "npm is missing" in run.stderr or "npm can't get" in run.stderr:
        print(f"SKIPPED: {run.stderr}")
        sys.exit(SKIPPED)
    assert run.returncode == 0, run.stdout + run.stderr
    for caller, pbx in (("Alice", "pbx1"), ("Bob", "pbx2"), ("Carol", "pbx1"), ("Dave", "pbx2")):
        first = run.stdout.split("4. A worker")[0]
        told = re.findall(f"^{pbx} {caller} (.*)$", first, re.MULTILINE)
        assert told == ["rings", "answered", "hears sound:hello-world", "hung up"], (caller, told, run.stdout)
    lost = re.findall(r"^bert (pbx\d) (\w+) new", run.stdout.split("4. A worker")[1], re.MULTILINE)
    taken = re.findall(r"^(?:anna|carl) (pbx\d) (\w+) taken_over from bert", run.stdout, re.MULTILINE)
    assert taken and set(taken) <= set(lost), (taken, lost, run.stdout)
    answers = re.findall(r'^\{"pbx":"(\w+)","result":\{(.*?)["}]', run.stdout, re.MULTILINE)
    assert len(answers) == 3 and [pbx for pbx, _ in answers[:2]] == ["pbx1", "pbx2"], run.stdout
    assert left() == [], left()


def on_terminal():
    """Until the view shows that calls of both PBXs have ended; then Ctrl-C."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(DEMO[0], DEMO)
    shown, asked, end = b"", False, time.monotonic() + 120
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # all have closed it
            break
        if not asked and re.search(rb"have ended: pbx1 [1-9]\d*, pbx2 [1-9]", shown):
            assert b"PBX     CHANNEL" in shown
            os.write(terminal, b"\x03")
            asked = True
    else:
        os.kill(process, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert asked and status == 0, (status, shown[-3000:].decode(errors="replace"))
    assert left() == [], left()


without_terminal()
on_terminal()
