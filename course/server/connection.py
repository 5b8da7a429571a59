"""Talk to a llama-server: send one request at a time, parse the response, and put errors into words.

Never records, retries, streams, or starts anything.

    Connection("http://127.0.0.1:8080").props()["build_info"]

An address is http://…, https://…, or unix:///path/llama.sock for a server that listens on a Unix socket.
"""

import socket
import struct
from typing import Any
from urllib.parse import urlsplit

import httpx

from course.addresses import masked, split
from course.errors import CourseError
from course.server import transports
from course.server.bounded import Bounded

UNIX = "unix://"
QUEUED = 5
"""Seconds that a server on a Unix socket has to take a waiting client out of its queue if that is full."""


def socket_path(url: str) -> str | None:
    """The path in a unix:// address; None for any other address."""
    return url.removeprefix(UNIX) if url.startswith(UNIX) else None


def web_address(url: str) -> str:
    """The address as HTTP needs it. Over a Unix socket the host name has no meaning."""
    return "http://localhost" if socket_path(url) else url


def transport(url: str) -> Bounded:
    """The transport for requests to that address. It says when a server hangs, and ends a response that has no end.

    It goes through the environment's proxy, if there is one for that address. CourseError if that, or the certificates that
    the environment names, cannot be used.
    """
    if urlsplit(url).scheme == "https" or transports.proxy(url):
        return Bounded(transports.built(httpx.HTTPTransport, url))
    from course.server import silence  # not at import: it imports this module

    return Bounded(silence.watched(_plain(url), url, lambda: _plain(url)))


def _plain(url: str) -> httpx.HTTPTransport:
    if path := socket_path(url):
        return _UnixTransport(uds=path, path=path)
    return httpx.HTTPTransport(verify=False)


def parsed(response: httpx.Response) -> Any:
    """The body as JSON, however deep it is nested. ValueError if it is not JSON."""
    from course.turns.bodies import loads  # not at import: course.turns takes a while to load

    return loads(response.text.removeprefix("\ufeff"))


def calls_itself_llama(models: httpx.Response) -> bool:
    """Whether this answer to GET /v1/models comes from a llama-server.

    A llama-server names itself in the Server header, even while it is loading or requires a key. Behind a proxy that
    replaces the header, `owned_by` in the list of models tells.
    """
    if "llama.cpp" in models.headers.get("server", ""):
        return True
    try:
        return bool(parsed(models)["data"][0]["owned_by"] == "llamacpp")
    except (ValueError, LookupError, TypeError):
        return False


class _UnixTransport(httpx.HTTPTransport):
    """Checks first that something is listening, because httpcore 1.0 leaks a socket that it could not connect."""

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(**options)
        self.path = path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.socket(socket.AF_UNIX) as probe:
            # With Python's own time-out, a full queue would be an error at once; without any, the wait has no end
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", QUEUED, 0))
            try:
                probe.connect(self.path)
            except BlockingIOError as error:
                why = f"its queue of clients was full for {QUEUED} s: it hangs, or has more than it can serve"
                raise httpx.ConnectTimeout(why, request=request) from error
            except OSError as error:
                raise httpx.ConnectError(f"{error.strerror or error}", request=request) from error
        return super().handle_request(request)


class Connection:
    """The address of a llama-server, and methods for its endpoints."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self.url, self.api_key = url, api_key

    @property
    def shown(self) -> str:
        """The address without its password, for messages."""
        return masked(self.url)

    @property
    def api_base(self) -> str:
        return f"{web_address(self.url)}/v1"

    def client(self, timeout: float = 600) -> httpx.Client:
        """A plain client with the server's address and key. Close it, or use it in a with block.

        CourseError if the address is not valid, or the environment names a proxy or certificates that cannot be used.
        """
        split(web_address(self.url))  # raises if it is not valid
        return httpx.Client(
            base_url=web_address(self.url),
            transport=transport(self.url),
            headers={"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            timeout=httpx.Timeout(timeout, connect=5),
        )

    def request(self, method: str, path: str, json: Any = None) -> httpx.Response:
        """The response, whatever its status. CourseError if there is none."""
        if not self.url:
            raise CourseError("this server has not been started.\nStart it:  server.start()")
        try:
            with self.client() as client:
                return client.request(method, path, json=json)
        except httpx.TransportError as error:
            raise CourseError(self._unreachable(error)) from error

    def get(self, path: str, raise_for: bool = True) -> Any:
        return self._parsed(self.request("GET", path), raise_for)

    def post(self, path: str, json: Any, raise_for: bool = True) -> Any:
        return self._parsed(self.request("POST", path, json), raise_for)

    def _parsed(self, response: httpx.Response, raise_for: bool) -> Any:
        """The body as parsed JSON, or as text. With raise_for=False, the response itself."""
        if not raise_for:
            return response
        try:
            body = parsed(response)
        except ValueError:
            body = response.text
        if response.is_success:
            return body
        error = body.get("error", body) if isinstance(body, dict) else body
        said = error.get("message", error) if isinstance(error, dict) else error
        request = response.request
        asked = f"{request.method} {request.url.path}"
        raise CourseError(f"{asked}: the server answered {response.status_code}: {str(said)[:500]}")

    def _unreachable(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.ReadTimeout):
            path = socket_path(self.url)
            at = f"--unix-socket {path} {web_address(self.url)}" if path else self.shown
            return f"{self.shown} did not answer in time.\nCheck whether it is alive:  curl {at}/health"
        why = str(error) or type(error).__name__
        if through := transports.proxy(self.url):
            why += f", through the proxy in {through[1]}"
        if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
            return (
                f"what answers at {self.shown} did not send a whole HTTP response ({why}).\n"
                "If it is a llama-server, look whether it still runs. Or start another:  course serve"
            )
        return (
            f"no server answers at {self.shown} ({why}).\nCheck the address, or start a server:  course serve"
        )

    def props(self) -> dict[str, Any]:
        """GET /props: the chat template, the default settings of generation, the build."""
        return self._object("GET", "/props")

    def models(self) -> dict[str, Any]:
        """GET /v1/models, unchanged: the models are under "data"."""
        return self._object("GET", "/v1/models")

    def tokenize(self, text: str) -> list[int]:
        """The text's token ids, without special tokens."""
        tokens: list[int] = self._object("POST", "/tokenize", {"content": text}, "tokens", list)["tokens"]
        return tokens

    def apply_template(self, messages: list[dict[str, Any]]) -> str:
        """The prompt that the server renders from these messages, without generating."""
        prompt: str = self._object("POST", "/apply-template", {"messages": messages}, "prompt", str)["prompt"]
        return prompt

    def _object(
        self, method: str, path: str, json: Any = None, field: str = "", kind: type = object
    ) -> dict[str, Any]:
        """The answer, which is an object, with a field of that kind if one is named. CourseError if it is not."""
        answer = self._parsed(self.request(method, path, json), raise_for=True)
        if isinstance(answer, dict) and (not field or isinstance(answer.get(field), kind)):
            return answer
        wanted = f"an object with `{field}`" if field else "an object"
        raise CourseError(
            f"{method} {path}: {self.shown} answered {str(answer)[:100]!r}, which cannot be read as {wanted}.\n"
            "If it is a proxy, look at what is behind it. Or start your own server:  course serve"
        )
