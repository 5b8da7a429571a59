"""Use memory without limit.

Attempts:  keep 12 texts of 64 MB; the suite's containers may have 384 MB.
Success:   all of them are there.
Proof:     printed
Runs:      python
Bound:     768 MB
Executor:  lets it through: it counts operations, not bytes
Container: memory limit (KILLED)
"""

kept = []
for number in range(12):
    kept.append(str(number % 10) * 64_000_000)
print("GOT", len(kept), "texts of 64 MB")
