"""Dates and times of day as people and other programs write them."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknoisy._audit._names import is_mark

NEARLY_ALL = 0.95
CENTURY = 69  # years of two digits from here on are of the century before, as POSIX has it

_YEAR_FIRST = r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?"
_YEAR_LAST = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_NAMED_MONTH = r"(?:\d{1,2}[- ]+[A-Za-z]{3,9}|[A-Za-z]{3,9} +\d{1,2}),?[- ]+\d{2,4}"
_SHORT = r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2})"
_CLOCK = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_DATE = re.compile(rf"\s*(?:{_YEAR_FIRST}|{_YEAR_LAST}|{_NAMED_MONTH}){_CLOCK}\s*")
_SHORT_DATE = re.compile(rf"\s*{_SHORT}({_CLOCK})\s*")
_TIME = re.compile(
    r"\s*(?=.*:|.*[AaPp]\.?[Mm])(\d{1,3})(?::([0-5]\d(?:[.,]\d+)?))?(?::([0-5]\d(?:[.,]\d+)?))?"
    r"(?:\s*([AaPp])\.?[Mm]\.?)?\s*"
)


@dataclass
class Dates:
    """A column of texts, read as days since 1970 or as hours of the day.

    Attributes
    ----------
    values : Series
        NaN where there is none.
    kind : {"date", "number"}
    how : list of str
        What was taken for what.
    odd : Series
        Texts that are none, and no marks of missing values either.
    """

    values: pd.Series
    kind: str
    how: list
    odd: pd.Series


def days(dates):
    if getattr(dates.dt, "tz", None) is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    # not divided by a Timedelta, which early pandas does in nanoseconds, and far dates overflow
    return (dates - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86_400


def read_dates(column):
    """Read a column of texts, if at least 95 % are dates or times of day; else None."""
    texts = column.dropna().astype(str)
    texts = texts[~is_mark(texts)]
    if len(texts) == 0:
        return None
    for pattern, read in ((_DATE, _long), (_SHORT_DATE, _short), (_TIME, _hours)):
        fits = texts.str.fullmatch(pattern.pattern).astype(bool)
        if fits.mean() >= NEARLY_ALL:
            values, kind, how = read(texts[fits])
            if values.notna().sum() >= NEARLY_ALL * len(texts):
                odd = texts[~texts.index.isin(values.dropna().index)]
                return Dates(values.reindex(column.index), kind, how, odd)
    return None


def _long(texts):
    dates, how = _parse(texts, texts)
    return days(dates), "date", how


def _parse(texts, written):
    """Dates in one format, with days first where that reads more; in several as a last resort."""
    orders = [{}, {"dayfirst": True}, {"format": "mixed"}]
    if texts.str.match(r"\s*\d{1,2}\.").all():  # 01.02.2020 is not written with the month first
        orders = orders[1::-1] + orders[2:]
    read = [_to_datetime(texts, **orders[0])]
    if not read[0].notna().all():
        read += [_to_datetime(texts, **order) for order in orders[1:]]
    dates = max(read, key=lambda dates: dates.notna().sum())
    how = []
    if dates is read[0] and len(read) == 1 and texts.str.match(r"\s*\d{1,2}[-/]\d").all():
        other = _to_datetime(texts, **orders[1])
        differs = (other != dates) & other.notna()
        if other.notna().all() and differs.any():
            at = differs.idxmax()
            how = [f"{written[at]!r} is {dates[at]:%Y-%m-%d}, the month first, as nothing tells"]
    return dates, how


def _to_datetime(texts, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a format was not found, or is another one
        return pd.to_datetime(texts, errors="coerce", utc=True, **how)


def _short(texts):
    """Years of two digits: last, or first where that field changes less than the last one."""
    parts = texts.str.extract(_SHORT_DATE.pattern)
    first, mark, second, third, clock = (parts[i] for i in range(5))
    numbers = [part.astype(int) for part in (first, second, third)]
    if (mark == ".").all() and (first.str.len() == 1).any() and numbers[0].max() <= 12:
        return pd.Series(np.nan, index=texts.index), "date", []  # 1.2.10 is a version
    year_first = numbers[2].between(1, 31).all() and numbers[1].between(1, 12).all()
    if year_first and first.nunique() < third.nunique() or not numbers[0].between(1, 31).all():
        first, third = third, first
        longer = _with_century(third) + "-" + second + "-" + first + clock
    else:
        longer = first + mark + second + mark + _with_century(third) + clock
    dates, how = _parse(longer, texts)
    at = dates.first_valid_index()
    if not how and at is not None:
        how = [f"{texts[at]!r} is {dates[at]:%Y-%m-%d}"]
    return days(dates), "date", [*how, f"years of two digits are 19{CENTURY} to 20{CENTURY - 1}"]


def _with_century(years):
    return years.where(years.astype(int) < CENTURY, "19" + years).where(
        years.astype(int) >= CENTURY, "20" + years
    )


def _hours(texts):
    parts = texts.str.extract(_TIME.pattern)
    hours, minutes, seconds = (
        parts[i].fillna("0").str.replace(",", ".").astype(float) for i in range(3)
    )
    half = parts[3].fillna("").str.lower()
    hours = hours.where((half == "") | (hours != 12), 0.0) + 12.0 * (half == "p")
    hours = hours + minutes / 60 + seconds / 3600
    return hours, "number", [f"{texts.iloc[0]!r} is {hours.iloc[0]:.6g}"]
