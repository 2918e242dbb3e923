"""What a reader of the documentation does with `pshim6 …`: a box that says "ready" is left to run, what shows something again and again is
ended with Ctrl-C as soon as it has shown it once, everything else runs to its end. Used as: reader.py COMMAND… -- WORDS OF PSHIM6"""

import os
import select
import signal
import subprocess
import sys
import time

PATIENCE = 60
ENDLESS = {"--watch", "-w", "--follow", "-f"}

split = sys.argv.index("--")
command, words = sys.argv[1:split], sys.argv[split + 1 :]
verb = words[0] if words else ""
runs = verb == "run"
endless = verb != "capture" and bool(ENDLESS & set(words))

if not runs and not endless:
    os.execvp(command[0], command + words)

child = subprocess.Popen(command + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
end = time.monotonic() + PATIENCE
seen = b""
while not (b"ready" in seen if runs else b"\n" in seen):
    ready, _, _ = select.select([child.stdout], [], [], max(0, end - time.monotonic()))
    chunk = os.read(child.stdout.fileno(), 65536) if ready else b""
    if not chunk:
        sys.stderr.write("it " + ("ended" if ready else "showed nothing") + ":\n" + seen.decode(errors="replace"))
        child.kill()
        sys.exit(1)
    seen += chunk
sys.stdout.write(seen.decode(errors="replace"))
sys.stdout.flush()
if runs:
    # Somebody must go on reading what it says.
    if os.fork() == 0:
        while os.read(child.stdout.fileno(), 65536):
            pass
    os._exit(0)
child.send_signal(signal.SIGINT)
rest = child.communicate(timeout=PATIENCE)[0]
if child.returncode != 0:
    sys.stderr.write(f"exit code {child.returncode} after Ctrl-C:\n" + rest.decode(errors="replace"))
sys.exit(child.returncode)
