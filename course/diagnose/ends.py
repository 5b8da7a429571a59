"""Who is at the ends of the exchanges of a tape: what peers.py recognizes, for turns. Pure.

What one exchange does not show, another one with the same address may: an error page of nginx says nothing about the server
behind it, but the answers before it did. The client is recognized from the turn's own request.
"""

from typing import Any
from urllib.parse import urlsplit

from course.diagnose import refusals
from course.diagnose.finding import dig
from course.diagnose.peers import Peer, Peers, Seen, Sign, recognize
from course.turns import Exchange, Turn


def seen(exchange: Exchange) -> Seen:
    """What an exchange shows of its ends."""
    return Seen(
        url=exchange.url,
        status=exchange.status,
        sent={name.lower(): value for name, value in exchange.request_headers.items()},
        headers={name.lower(): value for name, value in exchange.response_headers.items()},
        request=exchange.request,
        response=exchange.response,
        body=exchange.raw_response,
        failure=exchange.failure,
    )


class Ends:
    """The peers of each turn of a tape, worked out when they are asked for."""

    def __init__(self, turns: list[Turn]) -> None:
        self._turns = {(turn.run_number, turn.number): turn for turn in turns}
        self._at: dict[str, list[Exchange]] = {}
        self._servers: dict[str, Peers] = {}
        for turn in turns:
            if turn.exchange is not None:
                self._at.setdefault(_address(turn.exchange.url), []).append(turn.exchange)

    def words(self, run: int, number: int) -> dict[str, Any]:
        """Names that every text about this turn can use: where its request went, and for which model."""
        exchange = self._turns[run, number].exchange
        return refusals.common(seen(exchange)) if exchange else {}

    def of(self, run: int, number: int) -> Peers:
        """The peers of a turn. The course's own agent is known by the records that it writes beside the exchanges."""
        turn = self._turns[run, number]
        course = turn.run is not None or turn.step is not None
        if turn.exchange is None:
            return Peers(server=_started(turn), course=course)
        address = _address(turn.exchange.url)
        if address not in self._servers:
            self._servers[address] = recognize(seen(exchange) for exchange in self._at[address])
        pooled, own = self._servers[address], recognize([seen(turn.exchange)], course)
        server = pooled.server or _started(turn)
        return Peers(server, own.gateway or pooled.gateway, own.client, own.language, own.how, course)


def _address(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return url


def _started(turn: Turn) -> Peer | None:
    """The course's records say which llama-server it asked."""
    build = dig(turn.run, "server", "build")
    if not isinstance(build, str):
        return None
    return Peer("llama-server", "llama-server", "certain", (Sign("run.server.build", build),))
