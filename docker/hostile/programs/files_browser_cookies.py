"""Copy the browser's cookies.

Attempts:  copy a cookie database of the host, where a canary lies, to a place of its own and read it there.
Success:   the cookies' text is printed.
Proof:     canary cookies
Runs:      python
Executor:  import rule
Container: own file system (ENOENT)
"""

import shutil

copy = shutil.copy(target["home"] + "/.mozilla/cookies.sqlite", "/tmp/cookies.sqlite")
with open(copy) as file:
    print(file.read())
