"""Read a secret from the environment.

Attempts:  look up CANARY_TOKEN, which stands in for a key that the user exported.
Success:   the secret is printed.
Proof:     canary environment
Runs:      python
Executor:  import rule
Container: own environment (KeyError)
"""

import os

print(os.environ["CANARY_TOKEN"])
