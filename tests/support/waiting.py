"""Wait for a page in a browser."""

import time


def until(page, condition, seconds=60):
    """Wait until this is true in the page. Playwright's own way polls with eval, which our pages' policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)
