"""The keys and values of system prompts during training: few prompts, long ones, and the same for many steps."""

import torch

from training.conversations import FIRST, Conversation
from training.llama import KV, Llama


class PrefixCache:
    """Keys and values of system prompts, computed without gradient and reused for `refresh` steps.

    Holds those of the last `most` prompts. They are slightly out of date between two refreshes, as the adapter changes
    with every step.
    """

    def __init__(self, model: Llama, refresh: int, most: int = 4):
        self.model, self.refresh, self.most = model, refresh, most
        self._computed: dict[tuple[int, ...], tuple[int, KV]] = {}

    def past(self, conversation: Conversation, step: int, narrow: bool) -> KV | None:
        """Per layer, keys and values of the conversation's system prompt, (kv_heads, tokens, head_dim) each.

        With `narrow`, only those of its first tokens and of its tail, at their original positions: attention then costs
        half. None if the conversation has no system prompt.
        """
        head, tail = conversation.head, conversation.tail
        if not head:
            return None
        at, past = self._computed.pop(head, (-self.refresh, []))
        if step - at >= self.refresh:
            with torch.no_grad():
                tokens = torch.tensor(head, device=self.model.device)
                places = torch.arange(len(head), device=self.model.device)
                _, past = self.model(tokens, places, None, None, keep=True)
            at = step
        self._computed[head] = at, past
        while len(self._computed) > self.most:
            del self._computed[next(iter(self._computed))]
        if not narrow:
            return past
        return [(_edges(keys, tail), _edges(values, tail)) for keys, values in past]

    def clear(self) -> None:
        self._computed.clear()


def _edges(x: torch.Tensor, tail: int) -> torch.Tensor:
    return torch.cat([x[:, :FIRST], x[:, -tail:]], 1)
