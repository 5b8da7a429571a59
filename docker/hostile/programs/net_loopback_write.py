"""Write to a service that listens on loopback only.

Attempts:  post to a service that stands in for a database, Jupyter or an admin page of the host.
Success:   the service hears it.
Proof:     heard admin
Runs:      python
Executor:  import rule
Host:      lets it through: as with reading; Jupyter or a debugger on loopback would run whatever code it is sent
Socket:    no network (ECONNREFUSED)
"""

import http.client

connection = http.client.HTTPConnection("127.0.0.1", target["admin"], timeout=3)
connection.request("POST", "/settings", body=target["token"])
print(connection.getresponse().status)
