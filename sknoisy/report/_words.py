"""What is said of findings, on a page as on a terminal."""

from __future__ import annotations

from sknoisy._evidence._knowledge import LEVEL

MOST_NAMES = 5


def percent(share):
    """A share, not rounded to 0 or 100 % unless it is that."""
    if share <= 0 or share >= 1:
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    return ">99%" if share > 0.99 else f"{share:.1%}"


def what_is_not_known(detector, is_labels, shown=str):
    """Why no row, or none of some classes, can be called wrong; "" if nothing speaks against it.

    `shown` gives the name of a class as a text.
    """
    p_value = getattr(detector, "evidence_p_value_", None)
    if p_value is not None and p_value > LEVEL:
        what = "shares of its classes" if is_labels else "mean"
        return (
            f"the features know no more of the target than its {what} (p = {p_value:.2g}): what "
            "cannot be foretold is not wrong for that, and no row can be called wrong"
        )
    names = [shown(name) for name in getattr(detector, "unknown_classes_", ())]
    if p_value is None or not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (
        f"the features know nothing of {', '.join(names[:MOST_NAMES])}{more}, and no row given "
        "such a label can be called wrong"
    )


def copies_in_words(n_copies, n_conflicts, n_rows):
    """How many rows have the features of another one, and of these another target."""
    if n_copies == 0:
        return ""
    text = f"{n_copies} of {n_rows} rows have exactly the features of another row"
    if n_conflicts == 0:
        return f"{text}, all with its target"
    return f"{text}; {n_conflicts} of these are in groups whose targets differ"


def as_sentence(text):
    return f"{text[0].upper()}{text[1:]}."
