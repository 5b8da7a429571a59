"""HTML as a reader sees it where nothing is trusted: on GitHub, and in a JupyterLab in which no cell has been run.

The lists are GitHub's (html-pipeline, SanitizationFilter) and those of JupyterLab 4.6 (@jupyterlab/apputils, sanitizer).
Both drop <style>; GitHub drops every class and style attribute, too.
"""

import re

import bleach
from bleach.css_sanitizer import CSSSanitizer

_TAGS = """a abbr b blockquote br caption cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr
i img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup table tbody td tfoot th thead time tr tt
ul var wbr"""
_LAB_TAGS = """article aside button center col colgroup font form header input label legend menu meter nav optgroup option
output progress section select textarea u"""
_ATTRIBUTES = """abbr align alt axis border cellpadding cellspacing char charoff colspan dir headers height hspace lang open
rowspan rules scope span start summary tabindex title type valign value vspace width"""
_GITHUB_ATTRIBUTES = "aria-describedby aria-hidden aria-label aria-labelledby itemprop role"
_LAB_STYLES = """background-color border border-collapse color display font-family font-size font-style font-weight height
margin max-width min-width overflow-wrap padding table-layout text-align vertical-align white-space width word-break
word-wrap"""


def github(html: str) -> str:
    """What is left on GitHub: no style sheet, no class, no style, no drawing, no form."""
    return bleach.clean(
        _without_contents(html),
        tags=set(_TAGS.split()),
        attributes=_allowed(f"{_ATTRIBUTES} {_GITHUB_ATTRIBUTES}"),
        strip=True,
    )


def untrusted_lab(html: str) -> str:
    """What is left in JupyterLab: no style sheet and no drawing, but classes, and styles from a list."""
    return bleach.clean(
        _without_contents(html),
        tags=set(f"{_TAGS} {_LAB_TAGS}".split()),
        attributes=_allowed(f"{_ATTRIBUTES} class style"),
        css_sanitizer=CSSSanitizer(allowed_css_properties=_LAB_STYLES.split()),
        strip=True,
    )


def _allowed(names: str) -> dict[str, list[str]]:
    return {"*": names.split(), "a": ["href"], "img": ["src", "alt"]}


def _without_contents(html: str) -> str:
    return re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
