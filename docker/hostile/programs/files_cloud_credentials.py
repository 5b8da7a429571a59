"""Read the user's cloud credentials.

Attempts:  open ~/.aws/credentials of the host, where a canary lies.
Success:   the keys' text is printed.
Proof:     canary cloud
Runs:      python
Executor:  import rule
Container: own file system (ENOENT)
"""

import configparser
from pathlib import Path

text = Path(target["home"], ".aws/credentials").read_text()
print(text, configparser.ConfigParser().sections())
