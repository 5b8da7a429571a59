"""The one shape that every dialect has. Pure.

A dialect is an API through which clients ask a model: where its requests go, how its bodies are recognized, and four
functions that read them. To add one, write a module with a `DIALECT` and list it in course/turns/dialects/__init__.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from course.turns.reading import Node, Record
from course.turns.values import Asked, Reply


@dataclass(frozen=True)
class Dialect:
    """One API.

    `path` matches the end of the addresses of its requests. `is_request`, `is_response` and `is_event` recognize its
    bodies, also under other addresses. `ask` reads a request and `reply` a response; `assemble` makes a response of the
    events of a stream. Each of them notes what does not fit, and never fails.
    """

    name: str
    path: re.Pattern[str]
    is_request: Callable[[Record], bool]
    is_response: Callable[[Record], bool]
    is_event: Callable[[Record], bool]
    ask: Callable[[Node], Asked]
    reply: Callable[[Node], Reply]
    assemble: Callable[[list[Node]], Record]


def rest(response: Record, event: Node, *used: str) -> None:
    """Keep the other fields of an event: the last value that is not null."""
    for key, value in event.record.items():
        if key not in used and (value is not None or key not in response):
            response[key] = value
