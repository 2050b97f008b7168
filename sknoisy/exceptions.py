"""Warnings of sknoisy."""

__all__ = [
    "CleaningLimitWarning",
    "ColumnLeftOutWarning",
    "NothingJudgedWarning",
    "NothingKnownWarning",
    "OwnEvidenceWarning",
    "RareClassWarning",
    "UnevenRemovalWarning",
]


class RareClassWarning(UserWarning):
    """Some classes have too few members to be judged well (or at all)."""


class ColumnLeftOutWarning(UserWarning):
    """A column cannot be turned into numbers, and rows are compared without it."""


class CleaningLimitWarning(UserWarning):
    """A class floor or the cap on the treated share left suspect rows untouched."""


class NothingJudgedWarning(UserWarning):
    """No row could be judged, so that none is flagged; the message says why."""


class NothingKnownWarning(UserWarning):
    """Out-of-sample predictions know nothing of the targets, so that no row can be called wrong."""


class OwnEvidenceWarning(UserWarning):
    """Predictions that were made elsewhere look as if they had seen the rows, or in odd order."""


class UnevenRemovalWarning(UserWarning):
    """A treatment removes one group's rows several times as often as another's."""
