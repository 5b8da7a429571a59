"""Print without limit.

Attempts:  print 48 MB; the sandbox passes on 32.
Success:   what is printed last comes through.
Proof:     printed
Runs:      python
Bound:     48 MB
Executor:  lets it through: all of it is held in memory, and the middle is cut out only for the model
Container: output limit (ENDED)
"""

for _ in range(48):
    print("x" * 1_000_000)
print("\nGOT to the end of 48 MB")
