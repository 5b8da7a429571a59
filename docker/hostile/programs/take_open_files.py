"""Open files without limit.

Attempts:  open /dev/null 512 times; the suite's containers may have 256 files open.
Success:   all of them are open.
Proof:     printed
Runs:      python
Bound:     512 files
Executor:  function list
Container: limit on open files (EMFILE)
"""

kept = []
for _ in range(512):
    kept.append(open("/dev/null"))
print("GOT", len(kept), "open files")
