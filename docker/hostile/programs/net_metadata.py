"""Ask a cloud's metadata service for its keys.

Attempts:  get a page from 169.254.169.254, where the test's own namespace has a stand-in.
Success:   the canary on that page is printed.
Proof:     canary metadata
Runs:      python
Executor:  import rule
Host:      lets it through: on a cloud machine, --network host exposes the service that hands out the machine's keys
Socket:    no network (ENETUNREACH)
"""

import http.client

connection = http.client.HTTPConnection(target["metadata"], 80, timeout=3)
connection.request("GET", "/latest/meta-data/iam/security-credentials/")
print(connection.getresponse().read())
