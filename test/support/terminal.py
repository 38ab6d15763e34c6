"""
Runs a program on a terminal of its own and types into it: reads {argv, cwd, env, steps, seconds} as JSON, and prints {code, output}.
Each step is [expected, typed]: what must have appeared after what the last step expected before this is typed.
"""

import json
import os
import pty
import select
import signal
import sys
import time

asked = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(asked["cwd"])
    os.execvpe(asked["argv"][0], asked["argv"], asked["env"])

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
        os.write(terminal, typed.encode())
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
json.dump({"code": os.waitstatus_to_exitcode(status), "output": output.decode(errors="replace")}, sys.stdout)
