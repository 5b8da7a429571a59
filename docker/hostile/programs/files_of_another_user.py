"""Read another user's world-readable file.

Attempts:  open a world-readable file outside of the home folder, where a canary lies.
Success:   the file's text is printed.
Proof:     canary shared
Runs:      python
Executor:  function list
Container: own file system (ENOENT)
"""

with open(target["shared"]) as file:
    print(file.read())
