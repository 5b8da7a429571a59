"""Talk to a running hub as the instructor's programs do: accounts, tokens, servers, through JupyterHub's REST API.

desk = Desk("http://127.0.0.1:8000", token, settings)
ada = desk.learner("ada")            # makes the account if it is new, starts the server, waits for it
ada.client().get("api/status")
"""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from course.errors import CourseError
from workshop.hub.settings import Settings

PATIENCE = 180.0  # seconds until a learner's server must run
RESTART = 10.0  # seconds in which a proxy that died is there again


@dataclass(frozen=True)
class Account:
    """A learner for a program: `url` is the address of the running server, ending in /; `token` opens only it."""

    name: str
    url: str
    token: str
    verify: bool = True

    def client(self, timeout: float = 60) -> httpx.Client:
        """A client of the learner's server, with the token. Close it, or use it in a with block."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, verify=self.verify, trust_env=False
        )


class Desk:
    """The REST API of one hub. CourseError if it refuses or does not answer."""

    def __init__(self, url: str, token: str, settings: Settings) -> None:
        self.url, self.token, self.verify = url, token, not settings.encrypted

    def answers(self) -> bool:
        """Whether the hub is up, behind its proxy."""
        try:
            with self._client(5) as client:
                return bool(client.get("").status_code == 200)
        except httpx.HTTPError:
            return False

    def api(self, method: str, path: str, json: Any = None, *, fine: tuple[int, ...] = ()) -> Any:
        """The parsed answer (None if empty) to a request, e.g. api("GET", "users"). `fine`: other statuses to accept.

        A request that breaks off is sent again for a few seconds: JupyterHub may be starting its proxy again.
        """
        until = time.monotonic() + RESTART
        while True:
            try:
                with self._client(PATIENCE) as client:
                    answer = client.request(method, path, json=json)
                break
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                if time.monotonic() > until:
                    raise self._silent(error) from error
                time.sleep(0.5)
            except httpx.HTTPError as error:
                raise self._silent(error) from error
        if not answer.is_success and answer.status_code not in fine:
            raise CourseError(f"{method} {path}: the hub answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _silent(self, error: httpx.HTTPError) -> CourseError:
        return CourseError(
            f"the hub at {self.url} does not answer ({error}).\nLook whether it still runs:  make hub"
        )

    def learner(self, name: str, start: bool = True) -> Account:
        """An account with a token of its own; `start` also starts its server and waits until it answers."""
        at = f"users/{quote(name)}"
        self.api("POST", at, fine=(409,))
        token = self.api("POST", f"{at}/tokens", {"note": "workshop", "expires_in": 86_400})["token"]
        if start:
            self.start_server(name)
        return Account(name, f"{self.url}/user/{quote(name)}/", token, self.verify)

    def start_server(self, name: str) -> None:
        """Start it and wait; returns at once if it runs."""
        self.api("POST", f"users/{quote(name)}/server", fine=(400,))
        until = time.monotonic() + PATIENCE
        while not self.server_runs(name):
            if time.monotonic() > until:
                raise CourseError(
                    f"the server of {name} does not start.\nIts log is in the hub's folder logs/."
                )
            time.sleep(0.3)

    def stop_server(self, name: str) -> None:
        """Stop it and wait until it is gone."""
        self.api("DELETE", f"users/{quote(name)}/server", fine=(404,))
        until = time.monotonic() + PATIENCE
        while self.api("GET", f"users/{quote(name)}")["servers"]:
            if time.monotonic() > until:
                raise CourseError(
                    f"the server of {name} does not stop.\nIts log is in the hub's folder logs/."
                )
            time.sleep(0.3)

    def server_runs(self, name: str) -> bool:
        """Whether the learner's server is ready."""
        servers = self.api("GET", f"users/{quote(name)}")["servers"]
        return bool(servers and servers[""]["ready"])

    def _client(self, timeout: float) -> httpx.Client:
        headers = {"Authorization": f"token {self.token}"}
        base = f"{self.url}/hub/api/"
        return httpx.Client(
            base_url=base, headers=headers, timeout=timeout, verify=self.verify, trust_env=False
        )
