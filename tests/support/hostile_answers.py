"""Answers that would stop a notebook if a check trusted them."""


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


def endless():
    while True:
        yield 1


def itself():
    items = []
    items.append(items)
    return items
