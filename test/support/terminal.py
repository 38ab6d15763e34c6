"""
Runs a program on a terminal of its own and types into it: reads {argv, cwd, env, steps, seconds, size} as JSON, and prints {code, output, restored}.
Each step is [expected, typed]: what must have appeared after what the last step expected before this is typed. Instead of typing, a step can do something:
{"resize": [columns, rows]}, {"signal": "SIGTERM"}, {"stopped": true}, which waits until the program is stopped and continues it, or {"call": true}, which
prints an empty line and waits for one.
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

asked = json.loads(sys.stdin.readline())
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(asked["cwd"])
    os.execvpe(asked["argv"][0], asked["argv"], asked["env"])



def resize(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def do(what):
    if isinstance(what, str):
        os.write(terminal, what.encode())
    elif "resize" in what:
        resize(*what["resize"])
    elif "signal" in what:
        os.kill(pid, getattr(signal, what["signal"]))
    elif "call" in what:
        print(flush=True)
        sys.stdin.readline()
    else:
        os.waitpid(pid, os.WUNTRACED)
        modes.append(termios.tcgetattr(terminal))
        os.kill(pid, signal.SIGCONT)


modes = [termios.tcgetattr(terminal)]
if asked.get("size"):
    resize(*asked["size"])
steps = asked["steps"]
output, seen = b"", 0
deadline = time.monotonic() + asked["seconds"]
while time.monotonic() < deadline:
    ready, _, _ = select.select([terminal], [], [], 1)
    if ready:
        try:
            some = os.read(terminal, 65536)
        except OSError:
            break
        if not some:
            break
        output += some
    while steps and (at := output.find(steps[0][0].encode(), seen)) >= 0:
        expected, typed = steps.pop(0)
        seen = at + len(expected.encode())
        do(typed)
else:
    os.kill(pid, signal.SIGKILL)
try:
    modes.append(termios.tcgetattr(terminal))
except termios.error:
    pass
_, status = os.waitpid(pid, 0)
json.dump(
    {
        "code": os.waitstatus_to_exitcode(status),
        "output": output.decode(errors="replace"),
        "restored": all(mode == modes[0] for mode in modes),
    },
    sys.stdout,
)
