"""Runs as a model is trained on them: tokens, and the tree that the exchanges of one run form.

Draws tasks and chats, drives them through traces.py and tokenizes. Does not import PyTorch, since a process that draws
conversations in advance must not touch the GPU.
"""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training import families, traces
from training.families import chat, entities

if TYPE_CHECKING:
    import tokenizers  # for training only

CHATS, QUESTIONS = 12, 6
USER = "<|im_start|>user\n"
TOOLS = ("you only have access to these tools", "# Tools")
FIRST = 16
SHARE = 2
"""Neighbors in a step that are of one family, so that two processes, which wait for each other, have about equal work."""


@dataclass(frozen=True)
class Tree:
    """Sequences merged where their beginnings agree. `paths` has for each sequence its indices into `tokens`."""

    tokens: list[int]
    positions: list[int]
    paths: list[list[int]]


@dataclass(frozen=True)
class Conversation:
    """The exchanges of one run, tokenized: a tree of what follows `head`, and the completion of each exchange.

    They all begin with `head`, the system prompt. With a narrow prefix, attention sees only its first FIRST tokens and its
    last `tail`, which describe the tools and the rules. The last tokens of a path predict the completion.
    """

    family: str
    head: tuple[int, ...]
    tail: int
    tree: Tree
    completions: list[list[int]]


class Conversations:
    """The conversations of a training run by number, the same for the same seed in any order of drawing.

    Some consist of the first moves of several runs: these are short, and they decide everything that depends on a
    question's wording. For families with short runs, several runs with the same tools form one conversation.
    """

    def __init__(self, seed: int, tokenizer: "tokenizers.Tokenizer"):
        self.seed, self.tokenizer, self.render = seed, tokenizer, traces.renderer()
        for table in ("animals", "places"):  # read once, before other processes are started
            entities.vocabulary(table)

    def __getitem__(self, number: int) -> Conversation:
        """The conversation with this number, counted over all steps, as PyTorch's DataLoader asks for it."""
        card = families.card(self.seed, number // SHARE)
        return self._made(card, self._samples(card, random.Random(f"{self.seed} {number}")))

    def held_out(self, family: str, number: int) -> Conversation:
        """One whole run on a task that training never draws."""
        task = families.FAMILIES[family](random.Random(f"held out {self.seed} {number}"), False)
        return self._made(family, traces.agent_samples(task, self.render))

    def _made(self, family: str, samples: list[traces.Sample]) -> Conversation:
        head = samples[0].prompt[: samples[0].prompt.index(USER)]
        tools = max(head.find(mark) for mark in TOOLS)
        exchanges = [(self._encoded(s.prompt[len(head) :]), self._encoded(s.completion)) for s in samples]
        return Conversation(
            family,
            tuple(self._encoded(head)),
            len(self._encoded(head[max(tools, 0) :])),
            tree([(prompt + completion)[:-1] for prompt, completion in exchanges]),
            [completion for _, completion in exchanges],
        )

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
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids


def tree(sequences: list[list[int]]) -> Tree:
    """Merge sequences into a tree, so that every token they share is computed once, with its gradient.

    The turns of a run repeat each other's prompts, but not each other's thinking. Positions count from the tree's root.
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
    return Tree(tokens, positions, paths)
