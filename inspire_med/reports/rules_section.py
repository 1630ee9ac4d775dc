"""Rules and provenance: by which rules the numbers were made, and from what."""

from collections.abc import Mapping, Sequence
from html import escape


def rules_section(policy: Sequence[str], provenance: Mapping[str, str]) -> str:
    """The protocol's rules a line each, then where things came from."""
    rules = "".join(f"<li>{escape(line)}</li>" for line in policy)
    facts = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in provenance.items()
    )
    return f"<ul>{rules}</ul><h3>Provenance</h3><dl>{facts}</dl>"
