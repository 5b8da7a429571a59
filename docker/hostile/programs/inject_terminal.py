"""Control the terminal of whoever reads the answer.

Attempts:  print a control sequence that sets the title; others put text on the clipboard.
Success:   the sequence comes out.
Proof:     escape
Runs:      executor
Executor:  lets it through: it prints whatever the code prints
Container: course sandbox run escapes control characters (nothing)
"""

print("\x1b]0;canary\x07")
