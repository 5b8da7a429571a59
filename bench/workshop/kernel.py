"""Execute code in a kernel behind a hub, over the web socket that JupyterLab uses.

said = execute(address, token, "print(1)", Deadline(10))      # Said(text="1\\n", ended="ok")
"""

import json
import time
import uuid
from dataclasses import dataclass

import websocket

BEAT = 0.5
"""Seconds after which somebody who waits notices that the deadline was cancelled."""


class Deadline:
    """A moment so many seconds from now, which another thread can bring forward to now."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds, never negative."""
        return max(0.0, self.until - time.monotonic())

    def cancel(self) -> None:
        self.until = 0.0


@dataclass(frozen=True)
class Said:
    """What the code printed, and how it ended: "ok", "error" (`why` has it), "died" or "silent" (no end in time)."""

    text: str
    ended: str
    why: str = ""


def execute(address: str, token: str, code: str, deadline: Deadline) -> Said:
    """`address` is the kernel's, ws://…/api/kernels/ID/channels. Waits until the kernel replies, or for the deadline."""
    text = ""
    try:
        channel = websocket.create_connection(
            address, header=[f"Authorization: token {token}"], timeout=max(1.0, min(60.0, deadline.left))
        )
    except (websocket.WebSocketException, OSError, ValueError) as error:
        return Said("", "died", f"the kernel cannot be reached: {error}")
    try:
        number = uuid.uuid4().hex
        channel.send(json.dumps(request(number, code)))
        why = ""
        while left := deadline.left:
            channel.settimeout(min(left, BEAT))
            try:
                message = json.loads(channel.recv())
            except websocket.WebSocketTimeoutException:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] in ("restarting", "dead", "autorestarting"):
                return Said(text, "died", "the kernel died")
            if message["parent_header"].get("msg_id") != number:
                continue
            if kind == "stream" and content["name"] == "stdout":
                text += content["text"]
            elif kind == "error":
                why = f"{content['ename']}: {content['evalue']}"
            elif kind == "execute_reply":
                return Said(text, content["status"], why)
        return Said(text, "silent")
    except (websocket.WebSocketException, OSError, ValueError) as error:  # closed: what comes is empty
        return Said(text, "died", f"the connection to the kernel broke: {error}")
    finally:
        channel.close()
        channel.shutdown()  # after the other side has closed, close() leaves the socket open


def request(number: str, code: str) -> dict[str, object]:
    """The message that asks a kernel to execute this code; its answers name `number` as their parent."""
    header = {
        "msg_id": number,
        "msg_type": "execute_request",
        "username": "",
        "session": number,
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
