"""A smolagents model that talks to a server through a tape.

    model = connect(server, tape, temperature=0.7)

The server can be anything with the attributes of `ModelServer`: a `course.server.Server`, or a script in a test. Unless a
transport is given, `connect` uses that of course/server, which does not run in a browser.
"""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx
from smolagents import ChatMessage, Model, OpenAIModel

from course.tape import RecordingTransport, Tape

OPENAI_SAMPLING = {
    "temperature", "top_p", "max_tokens", "seed", "stop", "presence_penalty", "frequency_penalty", "logprobs",
    "top_logprobs", "n", "response_format",
}  # fmt: skip
"""The sampling settings that the openai client has parameters for. All others go into `extra_body`."""

PATIENCE = httpx.Timeout(600, connect=10)
"""Seconds that a response may take: a long prompt on a CPU takes minutes. A server that hangs is named long before."""

_tapes: weakref.WeakKeyDictionary[Model, Tape] = weakref.WeakKeyDictionary()


class Sampled(Protocol):
    """What `connect` reads from a server's profile."""

    @property
    def sampling(self) -> Mapping[str, Any]: ...


class ModelServer(Protocol):
    """What an agent needs to know about a server."""

    @property
    def url(self) -> str: ...
    @property
    def api_base(self) -> str:
        """The address of its OpenAI-compatible API, which ends in /v1."""

    @property
    def api_key(self) -> str | None: ...
    @property
    def model_id(self) -> str: ...
    @property
    def profile(self) -> Sampled | None: ...
    def props(self) -> dict[str, Any]:
        """llama-server's /props."""


def connect(
    server: ModelServer,
    tape: Tape | None = None,
    model_class: type[OpenAIModel] = OpenAIModel,
    transport: httpx.BaseTransport | None = None,
    **kw: Any,
) -> OpenAIModel:
    """A smolagents model that talks to `server` with the sampling of its profile. Agents built on it use its tape.

    `transport` replaces the network, for example with a script. `kw` are arguments of the model, which take precedence.
    """
    if transport is None:
        from course.server import (
            connection,  # not at import: it needs psutil, which a browser tab does not have
        )

        transport = connection.transport(server.url)
    if tape is not None:
        transport = RecordingTransport(transport, tape)
    client = httpx.Client(transport=transport, timeout=PATIENCE)
    model = model_class(
        **{
            "model_id": server.model_id,
            "api_base": server.api_base,
            "api_key": server.api_key or "none needed",  # the openai client insists on one
            "client_kwargs": {"http_client": client, "max_retries": 0},
            **_sampling(server, kw),
        }
    )
    if tape is not None:
        _tapes[model] = tape
    weakref.finalize(model, client.close)
    return model


def tape_of(model: Model) -> Tape | None:
    """The tape that `connect` was given for this model."""
    return _tapes.get(model)


class LoggingModel(OpenAIModel):
    """Print what smolagents passes to its model and gets back. This is above the wire, so it is not everything."""

    def generate(self, messages: Sequence[ChatMessage], **kw: Any) -> ChatMessage:
        """Print the messages, the thinking and the content."""
        for message in messages:
            parts = message.content if isinstance(message.content, list) else [{"text": message.content}]
            text = "".join(part.get("text") or "" for part in parts)
            print(f"→ {message.role.value}: {len(text)} characters\n{text}\n")
        reply = super().generate(messages, **kw)
        said = reply.raw.choices[0].message
        print(f"← thinking:\n{getattr(said, 'reasoning_content', None)}\n\n← content:\n{said.content}\n")
        return reply


def _sampling(server: ModelServer, kw: dict[str, Any]) -> dict[str, Any]:
    """The profile's sampling as arguments for the openai client: settings unknown to it go into `extra_body`."""
    sampling = dict(server.profile.sampling) if server.profile else {}
    known = {k: v for k, v in sampling.items() if k in OPENAI_SAMPLING}
    extra = {k: v for k, v in sampling.items() if k not in OPENAI_SAMPLING} | kw.pop("extra_body", {})
    return {**known, **({"extra_body": extra} if extra else {}), **kw}
