"""Run the course on the newest packages, and name the one that breaks it.

`worlds` makes an environment with the locked versions, except for a chosen set of packages; `checks` runs the tests in it;
`bisect` finds the smallest set that breaks them; `issue` writes what was found and keeps one issue up to date.

    make canary                                  the newest of everything; prints an issue if something breaks
    make canary ARGS="--only openai"             the lock with nothing newer but openai
    make canary ARGS="--check 'pytest tests/unit/test_tape.py'"
"""
