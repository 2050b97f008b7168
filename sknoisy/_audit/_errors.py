"""Bad input ends in one line that says what is wrong and what to do."""

from __future__ import annotations

from difflib import get_close_matches


class AuditError(Exception):
    """Something about the input that only the user can put right."""

    exit_code = 1


class UsageError(AuditError):
    """A wrong option, or an option that is missing."""

    exit_code = 2


def one_line(text):
    """The text of an error as one line, without control characters."""
    return harmless(" ".join(str(text).split()))


def harmless(text):
    """The text without what a terminal would obey: control characters, changes of direction."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in str(text))


def nearest(name, known, what):
    """Sentence with the names most like `name`, else with the first few there are."""
    known = [str(k) for k in known]
    lower = {}
    for k in known:
        lower.setdefault(k.lower().strip(), k)
    close = get_close_matches(str(name).lower().strip(), lower, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(lower[c]) for c in close) + "?"
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"{what}: {', '.join(known[:10])}{more}."
