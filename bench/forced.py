"""A model whose words are given: a grammar leaves it nothing else to say. Server, cache and agent are real.

Does: makes each step of a run the same on any model, a random one included. Does not: say anything about the model.
"""

import json

from smolagents import OpenAIModel

THOUGHT, END = "I look for one figure, then for the other.", "</think>\n\n"
STEPS = (
    'Thought: first the speed.\n<code>\nprint(web_search(query="leopard top speed"))\n</code>',
    'Thought: now the length.\n<code>\nprint(web_search(query="Pont des Arts length"))\n</code>',
    "Thought: I check the speed.\n<code>\nspeed = 58 / 3.6\nprint(round(speed, 3))\n</code>",
    "Thought: I compute.\n<code>\nfinal_answer(round(155 / speed, 2))\n</code>",
)


class Forced(OpenAIModel):
    """Says `said`, one after the other, whatever it is asked; every response brings its prompt."""

    def __init__(self, *args, said: list[str], body: dict | None = None, **kw):
        super().__init__(*args, **kw)
        self.said, self.body = iter(said), body or {}

    def generate(self, messages, **kw):
        grammar = f"root ::= {json.dumps(next(self.said))}"
        return super().generate(messages, extra_body={"grammar": grammar, "verbose": True, **self.body}, **kw)


def words(opens_thinking: bool) -> list[str]:
    """The steps, with a thought where the template has opened one."""
    return [f"{THOUGHT}\n{END}{step}" if opens_thinking else step for step in STEPS]
