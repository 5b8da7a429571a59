"""Spend a long time in a single operation.

Attempts:  compute a power with some million digits, which counts as one operation.
Success:   it is computed.
Proof:     printed
Runs:      python
Bound:     below a second
Executor:  lets it through: a single operation may take any amount of time
Container: lets it through: computing is allowed, within the limits on time, memory and processors
"""

number = 7**2_000_000
print("GOT a number of", number.bit_length(), "bits")
