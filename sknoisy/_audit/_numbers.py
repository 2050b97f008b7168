"""Numbers as people and other programs write them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import pandas as pd

from sknoisy._audit._names import is_mark, plain

NEARLY_ALL = 0.95
SAMPLE = 1000
BOTH_MARKS = "numbers with decimal points and with decimal commas"
CODES = "codes, since some begin with 0"
CODE_DIGITS = 9  # grouped digits that are always as many, and no fewer, are telephone numbers

_CURRENCY = (
    "[A-Z]{0,3}[$¢£¤¥֏؋৲฿₠-⃀]|EUR|Eur|USD|GBP|CHF|JPY|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|"
    "HUF|RON|BGN|RUB|UAH|TRY|ILS|ZAR|BRL|MXN|KRW|SGD|HKD|TWD|THB|IDR|MYR|PHP|AED|SAR|kr|Kr|Fr|Rs|zł"
)
_WORD = r"[^\W\d_²³¹⁰-⁹½¼¾]"
_UNIT = (
    rf"{_CURRENCY}|[kcdm]?m[23]|(?:{_WORD}[^\s\d(),;=+]{{0,11}}|[%‰°\"'′″][^\s\d(),;=+]{{0,5}})"
    rf"(?: (?:{_CURRENCY}|[^\W\d_]{{1,12}}\.?))?"
)
_CELL = re.compile(
    rf"(?:(?P<early>{_CURRENCY}) ?(?=\())?(?P<open>\()? ?(?P<sign>[+-])? ?"
    rf"(?P<before>(?:{_CURRENCY})\.?|%)? ?(?P<inner>[+-])? ?"
    r"(?P<digits>[\d.,' ]*\d[.,]?)(?P<power>[eE][+-]?\d+)? ?"
    rf"(?P<unit>{_UNIT})?(?P<after>-)? ?(?P<close>\))?"
)


def _forms(point, comma):
    """Digits with `point` as decimal mark, perhaps with `comma`, a blank or ' between thousands."""
    point, comma = re.escape(point), re.escape(comma)
    groups = "|".join(rf"(?:{mark}\d{{3}})+" for mark in (comma, " ", "'"))
    lakhs = r"|[1-9]\d?(?:,\d\d)+,\d{3}" if comma == "," else ""
    return rf"(?:\d+|[1-9]\d{{0,2}}(?:{groups}){lakhs})(?:{point}\d*)?|{point}\d+"


_OTHER = {".": ",", ",": "."}
_FORMS = {".": _forms(".", ","), ",": _forms(",", ".")}
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")
_CODE = re.compile(r"[+-]?0\d+")
# One kind of minus and apostrophe; wide digits and signs as narrow ones.
_NARROW = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    ord("−"): "-",
    ord("’"): "'",
    ord("´"): "'",
    ord("`"): "'",
}


@dataclass
class Numbers:
    """A column of texts, read as numbers.

    Attributes
    ----------
    values : Series or None
        Numbers, NaN where there is none; None for a column that is not of numbers.
    how : list of str
        What was taken for what; for a column that is none, why it is not.
    odd : Series
        Texts that are no numbers and no marks of missing values either.
    """

    values: pd.Series | None
    how: list = field(default_factory=list)
    odd: pd.Series | None = None


@dataclass
class DecimalMark:
    """Which reading is taken where a column alone does not tell, as with 1,234 only.

    Attributes
    ----------
    comma, point : {".", ","}
        The decimal mark where cells hold only commas, or only points, before three digits.
    why : str
    """

    comma: str = "."
    point: str = "."
    why: str = "nothing in the file tells"


def find_decimal_mark(table, told=None):
    """What the option, the other columns or the separator say about ambiguous numbers."""
    if told:
        return DecimalMark(told, told, "--decimal says")
    votes = {".": 0, ",": 0}
    for name in table.columns:
        texts = table[name].dropna()
        if len(texts) and isinstance(texts.iloc[0], str):
            texts = texts.head(SAMPLE).astype(str)
            if texts.str.contains("[.,]").any():
                mark = _clear_mark(_parts(pd.Series(texts.unique(), dtype=object)))
                if mark:
                    votes[mark] += 1
    if votes["."] != votes[","]:
        mark = max(votes, key=votes.get)
        what = "points" if mark == "." else "commas"
        return DecimalMark(mark, mark, f"other columns have decimal {what}")
    if table.attrs.get("sep") == ";":
        return DecimalMark(",", ".", "columns are separated by ';'")
    return DecimalMark()


def _clear_mark(parts):
    """The decimal mark that reads more of the cells, if they nearly all are numbers."""
    fits = {mark: _fits(parts, mark) for mark in _FORMS}
    if max(fit.mean() for fit in fits.values()) < NEARLY_ALL:
        return None
    n = {mark: int(fit.sum()) for mark, fit in fits.items()}
    return None if n["."] == n[","] else max(n, key=n.get)


def read_numbers(column, decimal=None):
    """Read a column of texts (missing ones are None or NaN), if at least 95 % are numbers.

    Signs of currencies, one unit for the column, marks between thousands, decimal commas and
    negative numbers in brackets are understood; marks such as ? and n/a are missing values. Whole
    numbers of which some begin with 0 are codes, not numbers.
    """
    texts = column.dropna().astype(str)
    numbers = pd.to_numeric(texts, errors="coerce").astype(float)
    decimal = decimal or DecimalMark()
    how, odd = [], texts[numbers.isna()]
    if len(odd):
        marks = is_mark(odd)
        if marks.any():
            shown = odd[marks].map(plain)
            kinds = [repr(text) for text in shown.unique()[:3]]
            how.append(f"{', '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} missing")
            texts, numbers = texts.drop(odd.index[marks]), numbers.drop(odd.index[marks])
            odd = odd[~marks]
    if len(texts) == 0:
        return Numbers(None)
    if len(odd) == 0 and not _needs_a_look(texts, decimal):
        if _are_codes(texts, numbers):
            return Numbers(None, [CODES])
        return Numbers(numbers.reindex(column.index), how, odd)
    return _read_parts(column, texts, decimal, how)


def _needs_a_look(texts, decimal):
    """Whether points could part thousands: 1.234 in a file of decimal commas."""
    if decimal.point == "," and texts.str.contains(".", regex=False).any():
        return True
    if _AMBIGUOUS.fullmatch(texts.iloc[0].strip()) is None:
        return False
    return texts.str.strip().str.fullmatch(_AMBIGUOUS.pattern).all()


def _are_codes(texts, numbers):
    whole = (numbers % 1 == 0).all()
    return bool(whole) and bool(texts.str.strip().str.fullmatch(_CODE.pattern).any())


def _parts(values):
    """Parts of each text that looks like a number; all "" for others."""
    cells = values.map(_narrow)
    return cells.str.extract(f"^(?:{_CELL.pattern})$").fillna("").astype(object)


def _narrow(text):
    if text.isascii():
        return plain(text)
    text = plain(text.translate(_NARROW))
    return "".join(str(unicodedata.decimal(c, c)) for c in text)  # digits of all scripts


def _fits(parts, mark):
    """Which cells are numbers with this decimal mark."""
    fits = parts["digits"].str.fullmatch(_FORMS[mark]).astype(bool)
    # Nobody writes 1,234E5 with a mark between thousands.
    fits &= (parts["power"] == "") | ~parts["digits"].str.contains(f"[{_OTHER[mark]}' ]")
    return fits & ((parts["open"] == "") == (parts["close"] == ""))


def _read_parts(column, texts, decimal, how):
    sample = pd.Series(texts.iloc[:: len(texts) // SAMPLE + 1].unique(), dtype=object)
    if (_parts(sample)["digits"] != "").mean() < 0.5:  # so that long texts cost no time
        return Numbers(None)
    values = pd.Series(texts.unique(), dtype=object)
    share = values.map(texts.value_counts(normalize=True))
    parts = _parts(values)
    mark, said = _choose_mark(values, parts, share, decimal)
    if mark is None:
        return Numbers(None, said)
    good = _fits(parts, mark)
    digits = parts["digits"].str.replace(f"[{_OTHER[mark]}' ]", "", regex=True)
    digits = digits.str.replace(mark, ".", regex=False)
    numbers = pd.to_numeric((digits + parts["power"]).where(good), errors="coerce")

    unit = parts["unit"].where(parts["unit"] != "", parts["before"] + parts["early"])
    named = unit[good & (unit != "")]
    kinds = named.map(_one_unit).unique()
    if len(kinds) > 1:
        several = f"numbers with several units: {', '.join(kinds)}"
        return Numbers(None, [several] if len(kinds) <= 5 else [])
    if len(kinds):
        how = [f"{named.iloc[0]!r} left off", *how]
        if not re.fullmatch(_CURRENCY, named.iloc[0].strip(".")):
            good &= (unit != "") | (numbers == 0)
        if share[good].sum() < NEARLY_ALL:
            return Numbers(None, [f"numbers with and without {named.iloc[0]!r}"])
    elif why := _why_codes(digits[good], parts["digits"][good], values[good]):
        return Numbers(None, [why])

    is_negative = parts[["sign", "inner", "after", "open"]].isin(["-", "("]).any(axis=1)
    numbers = numbers.where(good).where(~is_negative, -numbers)
    odd_minus = good & ((parts["open"] + parts["after"]) != "")
    for at in odd_minus.index[odd_minus][:1]:
        said = [*said, f"{values[at]!r} is {numbers[at]:.6g}"]
    read = texts.map(dict(zip(values, numbers, strict=True))).astype(float)
    return Numbers(read.reindex(column.index), said + how, texts[read.isna()])


def _choose_mark(values, parts, share, decimal):
    """(decimal mark, what was taken for what), or (None, why the column is none of numbers)."""
    fits = {mark: _fits(parts, mark) for mark in _FORMS}
    reads = {mark: share[fit].sum() for mark, fit in fits.items()}
    mark = max(reads, key=reads.get)
    if reads[mark] < NEARLY_ALL - 1e-9:
        either = fits["."] | fits[","]
        if share[either].sum() >= NEARLY_ALL:
            return None, [BOTH_MARKS]
        if share[either].sum() < 0.5:
            return None, []
        other = values[~either].iloc[0]
        return None, [f"{share[either].sum():.0%} numbers, but others such as {other!r:.40}"]
    digits = parts["digits"]
    which = digits.map(lambda text: (_AMBIGUOUS.fullmatch(text) or [None] * 2)[1])
    if abs(reads["."] - reads[","]) < 1e-9 and which.notna().any():
        if which.nunique() == 2:
            return None, [BOTH_MARKS]
        sign, text = which.dropna().iloc[0], values[which.notna()].iloc[0]
        mark = decimal.comma if sign == "," else decimal.point
        why = f"{decimal.why}: --decimal {_OTHER[mark]} reads it otherwise"
        long = values[digits.str.fullmatch(r"\d{4,}")]
        if len(long):  # with marks between thousands, there would be one in this
            mark, why = sign, f"{long.iloc[0]!r} has no mark between thousands"
        return mark, [
            f"the {sign!r} in {text!r} is {'' if mark == sign else 'no '}decimal, as {why}"
        ]
    said = ["decimal commas"] if mark == "," and digits.str.contains(",", regex=False).any() else []
    for sign in (_OTHER[mark], "'", " "):
        if digits[fits[mark]].str.contains(sign, regex=False).any():
            said.append(f"{sign!r} between thousands")
    return mark, said


def _why_codes(digits, written, values):
    """Why whole numbers are none: a 0 in front, a country's code, always as many digits."""
    if digits.str.contains(".", regex=False).any():
        return None
    if digits.str.fullmatch(_CODE.pattern).any():
        return CODES
    grouped = written.str.contains(r"[.,' ]")
    as_many = (
        grouped.all() and digits.str.len().nunique() == 1 and len(digits.iloc[0]) >= CODE_DIGITS
    )
    if as_many or values[grouped].str.match(r"\s*\+\d+ ").any():
        return "codes, such as telephone numbers"
    return None


def _one_unit(name):
    """The same for kg, Kg, kg. and kgs, and for day and days."""
    name = name.strip(".").casefold()
    return name[:-1] if len(name) > 2 and name.endswith("s") else name
