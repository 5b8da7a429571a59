"""A model whose words are given: a grammar leaves it nothing else to say.

Server, chat template, parser, executor and recorder are the real ones, so whatever happens after the given words
really happens, on any model. It says nothing about what the model would have said.

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
    """A server that shows the prompt it would make of messages."""

    def apply_template(self, messages: list[dict[str, Any]]) -> str: ...


def forced(
    lines: Iterable[Line], *, body: Mapping[str, Any] | None = None, base: type[OpenAIModel] = OpenAIModel
) -> type[OpenAIModel]:
    """A model class that answers each request with the next line; pass it to `connect` as `model_class`.

    A line is the text, or a pair of the text and more fields for that one request. None leaves the model its own words.
    `body` holds more fields for every request, such as {"verbose": True}. `base` is the class to extend. A request for
    which no line is left fails with a CourseError.
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
                f"the model was given {asked - 1} {'response' if asked == 2 else 'responses'}, and this is request "
                f"{asked}.\n"
                "Give it one more line, or None for the model's own words"
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
    """Whether the server's template ends a prompt with an opened thought, as this course's and Qwen's do."""
    return server.apply_template([{"role": "user", "content": "Hi"}]).endswith("<think>\n")


def spoken(server: Rendering, lines: Iterable[str]) -> list[str]:
    """The lines as the server's template needs them: without their thought if it does not open one."""
    opens = opens_thinking(server)
    return [line if opens else line.rpartition(THOUGHT_ENDS)[2] for line in lines]
