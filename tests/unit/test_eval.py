"""Cases on several servers: all of them, in order, and one at a time on each; and what is kept of them."""

import json
import threading
import time
from types import SimpleNamespace

import pytest

from training import eval as evaluation
from training.families import chat
from training.record import Record, Result


class Echo:
    """Answers plain chat with its question, the first one after all other servers have answered one."""

    profile = SimpleNamespace(sampling={})

    def __init__(self, all_of_them: list["Echo"]):
        self.busy, self.asked, self.answered, self.all = threading.Lock(), 0, 0, all_of_them

    def post(self, path: str, body: dict) -> dict:
        assert self.busy.acquire(blocking=False), "two cases at once on one server"
        try:
            self.asked += 1
            time.sleep(0.01)
            deadline = time.monotonic() + 60
            while self is self.all[0] and self.asked == 1 and not all(one.answered for one in self.all[1:]):
                assert time.monotonic() < deadline, "no other server is asked while the first one works"
                time.sleep(0.01)
            self.answered += 1
        finally:
            self.busy.release()
        message = {"content": body["messages"][0]["content"]}
        return {
            "choices": [{"message": message}],
            "timings": {"prompt_ms": 0, "predicted_ms": 0, "predicted_n": 1},
        }


def asked(count: int) -> tuple[list[str], list[int]]:
    servers: list[Echo] = []
    servers += [Echo(servers) for _ in range(count)]
    results = list(evaluation.run(servers, chat.FAMILY, range(12), seed=1))
    assert [r.answer for r in results] == [r.question for r in results]
    return [r.question for r in results], [server.asked for server in servers]


def test_more_servers_ask_the_same_cases_in_the_same_order():
    questions, (alone,) = asked(1)
    assert alone == 12
    again, shares = asked(3)
    assert again == questions
    assert sum(shares) == 12
    assert min(shares) > 0


class Refused:
    """An agent whose server refuses its request."""

    memory = SimpleNamespace(steps=[])

    def run(self, question: str) -> str:
        raise ValueError("400: too many tokens")


def test_the_text_of_an_error_is_never_a_right_answer(monkeypatch):
    monkeypatch.setattr(evaluation, "connect", lambda server: None)
    task = SimpleNamespace(family="f", question="?", expected="", right=lambda answer: True)
    task.build = lambda model, max_steps: Refused()
    result = evaluation.ask(None, task, 3)
    assert (result.outcome, result.answer) == (evaluation.FAILED, "ValueError: 400: too many tokens")


ABOUT = {"model": {"adapter_sha256": "ab"}, "engine": "wheel, b1", "flags": "-fa off", "seed": 1}
ORDER = ["speed", "chat"]


def result(family: str, question: str, outcome: str = "right") -> Result:
    return Result(family, question, "", "", outcome, 1, 10, 0.5)


def test_a_measurement_goes_on_where_it_was_left(tmp_path):
    path = tmp_path / "eval.json"
    first = Record(path, ABOUT, ORDER)
    first.add(result("chat", "a"))
    first.add(result("speed", "b", "no answer"))
    again = Record(path, ABOUT, ORDER)
    assert [r.question for r in again.of("chat")] == ["a"]
    again.add(result("chat", "c"))
    again.tell("chat", servers=2)
    stored = json.loads(path.read_text())
    assert list(stored["families"]) == ORDER
    assert stored["families"]["chat"]["cases"] == 2
    assert Record(path, ABOUT, ORDER).families() == stored["families"]
    assert stored["families"]["chat"]["servers"] == 2
    assert stored["families"]["speed"]["failures"] == {"no answer": 1}
    assert [r["question"] for r in stored["results"]] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "other",
    [{"model": {"adapter_sha256": "cd"}}, {"engine": "binary, b1"}, {"flags": "-fa on"}, {"seed": 2}],
    ids=lambda o: next(iter(o)),
)
def test_cases_of_another_measurement_are_not_counted(tmp_path, other):
    path = tmp_path / "eval.json"
    Record(path, ABOUT, ORDER).add(result("chat", "a"))
    assert Record(path, ABOUT | other, ORDER).families() == {}


def test_a_family_is_measured_anew_alone(tmp_path):
    path = tmp_path / "eval.json"
    record = Record(path, ABOUT, ORDER)
    record.add(result("chat", "a"))
    record.add(result("speed", "b"))
    record.forget("chat")
    assert record.of("chat") == []
    assert [r.question for r in record.of("speed")] == ["b"]


def test_a_look_is_counted_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    look = Record(None, {}, ORDER)
    look.add(result("chat", "a"))
    assert look.families()["chat"]["cases"] == 1
    assert not list(tmp_path.iterdir())
