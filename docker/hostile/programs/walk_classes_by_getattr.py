"""Walk to all classes through attribute names put together at run time.

Attempts:  getattr with "__cla" + "ss__", as described for releases before 1.17 (CVE-2025-5120).
Success:   a class is found by which the canary key is read.
Proof:     canary ssh
Runs:      executor
Executor:  dunder rule
Container: dunder rule
"""

kind = getattr((), "__cla" + "ss__")
print(getattr(kind, "__ba" + "se__"), target["home"])
