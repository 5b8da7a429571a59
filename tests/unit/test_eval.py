"""Cases on several servers: all of them, in order, and one at a time on each."""

import threading
import time
from types import SimpleNamespace

from training import chat
from training import eval as evaluation


class Echo:
    """Answers plain chat with its question, the first one last."""

    profile = SimpleNamespace(sampling={})

    def __init__(self, first_waits: threading.Event):
        self.busy, self.asked, self.first_waits = threading.Lock(), 0, first_waits

    def post(self, path: str, body: dict) -> dict:
        assert self.busy.acquire(blocking=False), "two cases at once on one server"
        try:
            self.asked += 1
            if self.first_waits.is_set():
                time.sleep(0.01)
            else:
                self.first_waits.set()
                time.sleep(0.1)
        finally:
            self.busy.release()
        message = {"content": body["messages"][0]["content"]}
        return {
            "choices": [{"message": message}],
            "timings": {"prompt_ms": 0, "predicted_ms": 0, "predicted_n": 1},
        }


def asked(count: int) -> tuple[list[str], list[int]]:
    waits = threading.Event()
    servers = [Echo(waits) for _ in range(count)]
    results = evaluation.run(servers, chat.FAMILY, 12, seed=1)
    assert [r.answer for r in results] == [r.question for r in results]
    return [r.question for r in results], [server.asked for server in servers]


def test_more_servers_ask_the_same_cases_in_the_same_order():
    questions, (alone,) = asked(1)
    assert alone == 12
    again, shares = asked(3)
    assert again == questions
    assert sum(shares) == 12
    assert min(shares) > 0
