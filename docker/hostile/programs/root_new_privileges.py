"""Gain privileges by starting another program.

Attempts:  read from /proc/self/status whether that is ruled out (no-new-privileges).
Success:   it is not.
Proof:     printed
Runs:      python
Executor:  function list
Container: no-new-privileges (AssertionError)
"""

with open("/proc/self/status") as file:
    assert "NoNewPrivs:\t1" not in file.read(), "ruled out"
print("GOT a way to new rights")
