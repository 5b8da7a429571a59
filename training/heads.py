"""System prompts while training: long, few, and the same for many steps."""

import torch

from training.conversations import FIRST, Conversation
from training.llama import KV, Llama


class Heads:
    """The keys and values of system prompts, without gradient, each used for `refresh` steps before it is made anew."""

    def __init__(self, model: Llama, refresh: int, most: int = 4):
        self.model, self.refresh, self.most = model, refresh, most
        self.made: dict[tuple[int, ...], tuple[int, KV]] = {}

    def past(self, conversation: Conversation, step: int, narrow: bool) -> KV | None:
        """`narrow`: only the first tokens and the tail, at their places; attention costs half then."""
        head, tail = conversation.head, conversation.tail
        if not head:
            return None
        at, past = self.made.pop(head, (-self.refresh, []))
        if step - at >= self.refresh:
            with torch.no_grad():
                tokens = torch.tensor(head, device=self.model.device)
                places = torch.arange(len(head), device=self.model.device)
                _, past = self.model(tokens, places, None, None, keep=True)
            at = step
        self.made[head] = at, past
        while len(self.made) > self.most:
            del self.made[next(iter(self.made))]
        if not narrow:
            return past
        return [tuple(torch.cat([x[:, :FIRST], x[:, -tail:]], 1) for x in pair) for pair in past]
