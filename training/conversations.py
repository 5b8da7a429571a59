"""Runs as a model is trained on them: tokens, and the tree that the exchanges of one run form.

Does: draws tasks and chats, drives them through traces.py, tokenizes. Does not: know weights.
"""

import math
import random
from dataclasses import dataclass

import tokenizers
import torch

from training import chat, families, traces

CHATS, QUESTIONS = 12, 6
USER = "<|im_start|>user\n"
TOOLS = ("you only have access to these tools", "# Tools")
FIRST = 16


@dataclass(frozen=True)
class Conversation:
    """The exchanges of one run, tokenized, each (rest of the prompt, completion).

    They all begin with `head`, the system prompt; its first FIRST tokens and its last `tail`, which describe the tools and
    the rules, are what a run mostly looks at.
    """

    head: tuple[int, ...]
    tail: int
    exchanges: list[tuple[list[int], list[int]]]


class Conversations:
    """A training run's conversations, by their place in it: the same for the same seed, in whatever order they are drawn.

    Some are the first moves of several runs: what a question's wording decides is decided there, and they are short. Of the
    families with short runs, several runs with the same tools are one conversation.
    All of a step are of one family, hence of about the same size: workers wait for each other at each step.
    """

    def __init__(self, seed: int, tokenizer: tokenizers.Tokenizer):
        self.seed, self.tokenizer, self.render = seed, tokenizer, traces.renderer()

    def draw(self, step: int, place: int) -> Conversation:
        """The one at this place of the step's."""
        rng = random.Random(f"{self.seed} {step} {place}")
        samples = self._samples(families.card(self.seed, step), rng)
        head = samples[0].prompt[: samples[0].prompt.index(USER)]
        tools = max(head.find(mark) for mark in TOOLS)
        exchanges = [(self._encoded(s.prompt[len(head) :]), self._encoded(s.completion)) for s in samples]
        return Conversation(tuple(self._encoded(head)), len(self._encoded(head[max(tools, 0) :])), exchanges)

    def _samples(self, card: str, rng: random.Random) -> list[traces.Sample]:
        opened = rng.random() >= traces.UNOPENED
        if card == chat.FAMILY:
            return [chat.sample(rng, self.render) for _ in range(CHATS)]
        if card == families.FIRST_MOVES:
            tasks = [families.of_one_prompt(rng)(rng, True) for _ in range(QUESTIONS)]
            return [traces.agent_samples(task, self.render, opened=opened)[0] for task in tasks]
        tasks = families.short(card, rng) if card in families.SHORT else [families.ALL[card](rng, True)]
        return [one for task in tasks for one in traces.agent_samples(task, self.render, opened=opened)]

    def _encoded(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids


def tree(sequences: list[list[int]]) -> tuple[list[int], list[int], torch.Tensor, list[list[int]]]:
    """Sequences merged where their beginnings agree: tokens, positions, mask and each sequence's path through the tokens.

    The turns of a run repeat each other's prompts but not each other's thinking; as a tree every common token is computed
    once, with its gradient.
    """
    tokens: list[int] = []
    positions: list[int] = []
    paths: list[list[int]] = []
    for sequence in sequences:
        shared: list[int] = []
        for other, path in zip(sequences, paths, strict=False):
            same = next((n for n, (x, y) in enumerate(zip(sequence, other, strict=False)) if x != y), None)
            same = min(len(sequence), len(other)) if same is None else same
            shared = max(shared, path[:same], key=len)
        new = list(range(len(tokens), len(tokens) + len(sequence) - len(shared)))
        tokens += sequence[len(shared) :]
        positions += range(len(shared), len(sequence))
        paths.append(shared + new)
    mask = torch.full((len(tokens), len(tokens)), -math.inf)
    for path in paths:
        index = torch.tensor(path)
        seen = torch.zeros(len(path), len(path)).masked_fill(
            torch.ones(len(path), len(path)).triu(1) > 0, -math.inf
        )
        mask[index[:, None], index[None]] = torch.maximum(mask[index[:, None], index[None]], seen)
    return tokens, positions, mask, paths
