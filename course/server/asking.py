"""Ask a server that may be anything, over a network that may do anything: one GET, and words for each way to fail.

A llama-server that is there speaks for itself (connection.py). This is for a room: other machines, a Wi-Fi, a firewall.

    got(httpx.Client(base_url=url, timeout=10), url, "/health").status_code
"""

from urllib.parse import urlsplit

import httpx

from course.addresses import masked
from course.errors import CourseError
from course.server import transports


def got(client: httpx.Client, url: str, path: str) -> httpx.Response:
    with client:
        return sent(client, url, path)


def sent(client: httpx.Client, url: str, path: str) -> httpx.Response:
    """The response, whatever its status. CourseError with the next command if there is none."""
    try:
        return client.get(path)
    except httpx.HTTPError as error:
        raise CourseError(unreachable(url, error)) from error


def unreachable(url: str, error: httpx.HTTPError) -> str:
    """What to say in a room when a server cannot be reached: what was seen, and the command that tells more."""
    host, why = urlsplit(url).hostname or "localhost", str(error) or type(error).__name__
    if through := transports.proxy(url):
        why += f", through the proxy in {through[1]}"
    shown = masked(url)
    if isinstance(error, httpx.ConnectTimeout):
        return (
            f"{shown} does not answer at all, as behind a firewall or in a Wi-Fi that isolates its clients.\n"
            f"See whether the machine is there:  ping -c 3 {host}"
        )
    if isinstance(error, httpx.TimeoutException):
        return (
            f"{shown} accepts connections but says nothing for a while: it hangs, or is suspended.\n"
            f"Ask once more, and tell the instructor:  curl -m 10 {shown}"
        )
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return (
            f"{shown} has a certificate that this computer does not trust ({why.rpartition(': ')[2]}).\n"
            f"Trust the room's own authority:  SSL_CERT_FILE=room-ca.pem course doctor …"
        )
    if any(sign in why for sign in ("Name or service", "nodename nor", "getaddrinfo", "name resolution")):
        return f"the name {host} is not known here ({why}).\nAsk for the IP address, or look it up:  nslookup {host}"
    if isinstance(error, httpx.ConnectError):
        return (
            f"nothing listens at {shown} ({why}).\n"
            f"Check the port on the server's machine:  curl {shown.replace(host, '127.0.0.1')}"
        )
    return f"what answers at {shown} did not send a whole HTTP response ({why}).\nCheck the address:  curl -v {shown}"


def described(answer: httpx.Response) -> str:
    """An answer that was not expected, in a few words. A page is often the form of a Wi-Fi that wants a login."""
    kind = answer.headers.get("content-type", "no content type").partition(";")[0]
    by = f", from {answer.headers['server']}" if answer.headers.get("server") else ""
    page = " (a page: does this network want you to sign in?)" if kind == "text/html" else ""
    return f"HTTP {answer.status_code}, {kind}{by}{page}"
