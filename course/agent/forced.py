"""Make a model say the words you choose: a grammar allows no other output.

Server, chat template, parser, executor and recorder are real, so whatever follows from those words really happens, with
any model. What the model would have said by itself remains unknown.

    words = spoken(server, ["I search.\\n</think>\\n\\n<code>\\nprint(web_search('leopard'))\\n</code>"])
    model = connect(server, tape, model_class=forced(words))
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from smolagents import OpenAIModel

from course.errors import CourseError

THOUGHT_ENDS = "</think>\n\n"
Line = str | tuple[str, Mapping[str, Any]] | None


class Rendering(Protocol):
    """A server that can render messages into a prompt."""

    def apply_template(self, messages: list[dict[str, Any]]) -> str: ...


def forced(
    lines: Iterable[Line], *, body: Mapping[str, Any] | None = None, base: type[OpenAIModel] = OpenAIModel
) -> type[OpenAIModel]:
    """A model class that answers each request with the next line; pass it to `connect` as `model_class`.

    A line is the text, or a pair of the text and extra fields for that one request. None lets the model answer freely.
    `body` holds extra fields for every request, such as {"verbose": True}. `base` is the class to extend. If there is no
    line left for a request, it fails with a CourseError.
    """
    given = iter(lines)
    asked = 0

    def prepared(self: OpenAIModel, *args: Any, **kw: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        made: dict[str, Any] = base._prepare_completion_kwargs(self, *args, **kw)
        try:
            line = next(given)
        except StopIteration:
            raise CourseError(
                f"the model was given {asked - 1} {'response' if asked == 2 else 'responses'}, but this is request "
                f"{asked}.\n"
                "Add one more line, or None to let the model answer freely"
            ) from None
        text, more = line if isinstance(line, tuple) else (line, {})
        words = {} if text is None else {"grammar": grammar(text)}
        fields = {**(made.get("extra_body") or {}), **words, **(body or {}), **more}
        return {**made, "extra_body": fields} if fields else made

    # The one place that both generate and generate_stream go through, in smolagents 1.26.
    return type("Forced", (base,), {"_prepare_completion_kwargs": prepared})


def grammar(text: str) -> str:
    """A GBNF grammar for this text and nothing else."""
    return f"root ::= {json.dumps(text, ensure_ascii=False)}"


def opens_thinking(server: Rendering) -> bool:
    """Whether the server's template ends a prompt with an open <think>, like this course's and Qwen's."""
    return server.apply_template([{"role": "user", "content": "Hi"}]).endswith("<think>\n")


def spoken(server: Rendering, lines: Iterable[str]) -> list[str]:
    """The lines adapted to the server's template: if it does not open a <think>, they are cut to what follows </think>."""
    opens = opens_thinking(server)
    return [line if opens else line.rpartition(THOUGHT_ENDS)[2] for line in lines]
