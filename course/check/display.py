"""Show something in a notebook, and print it where there is none; tell whether a person is there to answer."""

from typing import Any


def show(text: str, html: str, **other: Any) -> None:
    """Display HTML with its text, which is all that a terminal or a plain Python gets."""
    if shell() is None:
        print(text)
        return
    from IPython.display import display

    display({"text/plain": text, "text/html": html, **other}, raw=True)  # type: ignore[no-untyped-call]  # untyped


def shell() -> Any | None:
    """IPython's shell if this code runs in a notebook's kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    found = get_ipython()
    return found if getattr(found, "kernel", None) is not None else None


def attended() -> bool:
    """Whether a person can answer: the request that runs this cell says so (`allow_stdin` in Jupyter's protocol).

    Programs that execute notebooks (papermill, nbconvert) send False.
    """
    found = shell()
    try:
        content = found.kernel.get_parent()["content"] if found else {}
    except (AttributeError, KeyError, TypeError):
        return False
    return bool(content.get("allow_stdin"))
