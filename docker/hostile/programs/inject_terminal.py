"""Steer the terminal of who reads the answer.

Attempts:  print a control sequence that sets the title; others put text on the clipboard.
Success:   the sequence comes out.
Proof:     escape
Runs:      executor
Executor:  lets it through: it prints what it is told to
Container: course sandbox run takes control characters out (nothing)
"""

print("\x1b]0;canary\x07")
