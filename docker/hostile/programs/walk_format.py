"""Read attributes with a format string.

Attempts:  "{0.__wrapped__…}".format: the walk is written in a text, which no rule looks at, and ends in the environment.
Success:   a secret of the environment is printed.
Proof:     canary environment
Runs:      executor
Executor:  lets it through: it is not a security boundary, as its authors say. Here a format string prints a secret
Container: own environment (KeyError)
"""

print("{0.__wrapped__.forward.__globals__[os].environ[CANARY_TOKEN]}".format(web_search))
