"""Page: the frame of a report; style and script stand inside, nothing comes from elsewhere."""

from html import escape

from inspire_med.reports.script import SCRIPT
from inspire_med.reports.style import STYLE


def page(title: str, body: str) -> str:
    """A whole HTML document; `body` is HTML, `title` is text.

    Tables of class `sortable` sort by a click on a heading (`th` of class `text` as text, the
    others by their cells' `data-value`) and stand alone in a `section` with an `output` for the
    number of rows.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
