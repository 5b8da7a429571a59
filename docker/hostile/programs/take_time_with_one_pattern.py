"""Spend a long time in a single regular expression.

Attempts:  match a pattern that tries every way to divide 20 letters.
Success:   the search comes to its end.
Proof:     printed
Runs:      python
Bound:     below a second
Executor:  lets it through: a single operation may take any amount of time
Container: lets it through: computing is allowed, within the limits on time, memory and processors
"""

import re

found = re.match("(a|a)+$", "a" * 20 + "b")
print("GOT to the end of the search:", found)
