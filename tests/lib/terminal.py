"""Runs a program on a terminal of its own and does with it what a person does; prints what was seen as JSON.

terminal.py COLUMNS ROWS STEPS PROGRAM ...: steps are a JSON list of ["wait", text], ["press", keys], ["size", columns, rows],
["signal", number]. A text that does not come within ten seconds ends it all.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 10.0


def main():
    columns, rows = int(sys.argv[1]), int(sys.argv[2])
    steps, program = json.loads(sys.argv[3]), sys.argv[4:]
    controller, terminal = pty.openpty()
    resize(terminal, columns, rows)
    before = termios.tcgetattr(terminal)
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(terminal, fd)
        os.environ["TERM"] = "xterm"
        os.environ.pop("NO_COLOR", None)
        os.execvp(program[0], program)
    seen, place, missing = "", 0, None
    for step in steps:
        if step[0] == "wait":
            until = time.monotonic() + PATIENCE
            while step[1] not in seen[place:] and time.monotonic() < until:
                seen += read(controller)
            if step[1] not in seen[place:]:
                missing = step[1]
                os.kill(child, signal.SIGKILL)
                break
            place = seen.index(step[1], place) + len(step[1])
        elif step[0] == "press":
            os.write(controller, step[1].encode())
        elif step[0] == "size":
            resize(terminal, step[1], step[2])
        elif step[0] == "signal":
            os.kill(child, step[1])
    until = time.monotonic() + PATIENCE
    status = None
    while status is None and time.monotonic() < until:
        seen += read(controller)
        done, code = os.waitpid(child, os.WNOHANG)
        if done == child:
            status = os.waitstatus_to_exitcode(code)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    seen += read(controller)
    restored = termios.tcgetattr(terminal)[:4] == before[:4]
    print(json.dumps({"seen": seen, "status": status, "restored": restored, "missing": missing}))


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read(controller):
    ready, _, _ = select.select([controller], [], [], 0.05)
    return os.read(controller, 65536).decode("utf-8", "replace") if ready else ""


main()
