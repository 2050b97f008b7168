"""Warnings of sknoisy."""

__all__ = ["CleaningLimitWarning", "RareClassWarning"]


class RareClassWarning(UserWarning):
    """Some classes have too few members to be judged well (or at all)."""


class CleaningLimitWarning(UserWarning):
    """A class floor or the cap on the treated share left suspect rows untouched."""
