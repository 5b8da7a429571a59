"""Start processes without limit.

Attempts:  start 96 processes; the suite's containers may have 64.
Success:   all of them are started.
Proof:     printed
Runs:      python
Bound:     96 processes that sleep for 3 seconds; each is ended
Executor:  import rule
Container: limit on processes (EAGAIN)
"""

import subprocess

started = []
try:
    for _ in range(96):
        started.append(subprocess.Popen(["sleep", "3"]))
    print("GOT", len(started), "processes")
finally:
    for process in started:
        process.kill()
        process.wait()
