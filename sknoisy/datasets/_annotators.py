"""Wrong labels that an annotator really gave, or might have given."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._typing import ArrayLike, BoolArray, RandomStateLike, SameType, validate_params
from sknoisy.datasets._classes import decode, encode, show
from sknoisy.datasets._common import draw_count


@validate_params(
    {
        "y": ["array-like"],
        "rate": [Interval(Real, 0, 1, closed="both")],
        "annotators": ["array-like", None],
        "by": [StrOptions({"label", "annotator"})],
        "n_annotators": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def dissenting_noise(
    y: SameType,
    rate: float = 0.2,
    *,
    annotators: ArrayLike | None = None,
    by: Literal["label", "annotator"] = "label",
    n_annotators: int = 5,
    random_state: RandomStateLike = None,
) -> tuple[SameType, BoolArray]:
    """Replace labels by those of annotators who dissent from them.

    y is what the annotators agreed on, and a wrong label is one that somebody gave. So rows on
    which all agree stay clean, and mistakes are those that people make.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any kind, of two classes or more, without missing values.

    rate : float in [0, 1], default=0.2
        Expected share of all rows whose label is replaced. The number of them is
        ``rate * n_samples``, rounded up or down at random.

    annotators : array-like or DataFrame of shape (n_samples, n_annotators), default=None
        The labels that each annotator gave, of the classes of y; missing values where there is
        none.

        None makes annotators: each errs in a share of the rows of its own, between one half and
        one and a half of `rate`, and has habits: whenever it errs on a class, it takes it for the
        same other one.

    by : {"label", "annotator"}, default="label"
        Whose labels replace those of y. "label": rows with a dissent are taken at random, and each
        gets a random one of its dissenting labels. "annotator": the annotators are taken one after
        the other, in random order, with all their dissents, so that the wrong labels are those of
        one dissenter, and of a second one only if the first has too few.

    n_annotators : int >= 1, default=5
        How many are made, without `annotators`.

    random_state : int, RandomState instance or None, default=None
        Seeds the draws. The same seed and the same data give the same noise, the same rows in
        another order do not.

    Returns
    -------
    y_noisy : same type as y, of shape (n_samples,)
        The noisy labels, with the dtype, index and name of y, which is not changed.

    mask : ndarray of shape (n_samples,), dtype bool
        True exactly where `y_noisy` differs from y.

    Raises
    ------
    ValueError
        If y has a missing value or a single class, if an annotator gave a label that is no class of
        y, or if there are fewer rows with a dissent than `rate` asks for.

    References
    ----------
    M. Goswami, V. Sanil, A. Choudhry, A. Srinivasan, C. Udompanyawit, A. Dubrawski, "AQuA: A
    Benchmarking Tool for Label Quality Assessment", NeurIPS Datasets and Benchmarks 2023
    ("dissenting label" and "dissenting worker"; there annotators are always given).

    D. Chong, J. Hong, C. Manning, "Detecting label errors by using pre-trained language models",
    EMNLP 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sknoisy.datasets import dissenting_noise
    >>> y = ["cat", "cat", "dog", "dog"]  # the majority of three annotators
    >>> answers = [["cat", "cat", "cat"],
    ...            ["cat", "dog", "cat"],
    ...            ["dog", "dog", None],
    ...            ["dog", "dog", "cat"]]
    >>> y_noisy, mask = dissenting_noise(y, rate=0.5, annotators=answers, random_state=0)
    >>> y_noisy
    ['cat', 'dog', 'dog', 'cat']
    """
    rng = check_random_state(random_state)
    codes, classes = encode(y)
    if annotators is None:
        answers = _made_answers(rng, codes, len(classes), rate, n_annotators)
    else:
        answers = _given_answers(annotators, codes, classes)
    dissents = (answers >= 0) & (answers != codes[:, None])
    open_rows = np.flatnonzero(dissents.any(axis=1))
    n_changed = draw_count(rng, rate * len(codes))
    if n_changed > len(open_rows):
        raise ValueError(
            f"rate={rate:.6g} cannot be reached: annotators dissent in {len(open_rows)} of "
            f"{len(codes)} rows. Lower rate to {len(open_rows) / len(codes):.6g} or less."
        )
    if by == "label":
        rows = rng.permutation(open_rows)[:n_changed]
        # the first dissent in a random order of the annotators
        order = rng.random_sample((len(rows), answers.shape[1]))
        chosen = np.where(dissents[rows], order, np.inf).argmin(axis=1)
    else:
        # annotators in random order; each row goes to the first of them who dissents
        order = rng.permutation(answers.shape[1])
        first = dissents[np.ix_(open_rows, order)].argmax(axis=1)
        shuffled = rng.permutation(len(open_rows))
        taken = shuffled[np.argsort(first[shuffled], kind="stable")][:n_changed]
        rows, chosen = open_rows[taken], order[first[taken]]
    new_codes = codes.copy()
    new_codes[rows] = answers[rows, chosen]
    return decode(y, codes, new_codes)


def _made_answers(rng, codes, n_classes, rate, n_annotators):
    """Answers of annotators who err at rates and with habits of their own."""
    errs = rng.random_sample((len(codes), n_annotators)) < np.minimum(
        1.0, rate * (0.5 + rng.random_sample(n_annotators))
    )
    steps = rng.randint(1, n_classes, size=(n_classes, n_annotators))
    wrong = (np.arange(n_classes)[:, None] + steps) % n_classes
    answers = np.where(errs, wrong[codes], codes[:, None])
    # Few rows or a high rate may leave too few dissents: then more rows get one.
    missing = int(np.ceil(rate * len(codes))) - int(errs.any(axis=1).sum())
    if missing > 0:
        agreed = rng.permutation(np.flatnonzero(~errs.any(axis=1)))[:missing]
        who = rng.randint(n_annotators, size=len(agreed))
        answers[agreed, who] = wrong[codes[agreed], who]
    return answers


def _given_answers(annotators, codes, classes):
    """Class numbers of the answers, -1 for none."""
    table = pd.DataFrame(annotators).astype(object).reset_index(drop=True)
    if len(table) != len(codes):
        raise ValueError(
            f"annotators has {len(table)} rows and y has {len(codes)}: they must be the same."
        )
    number = {label: code for code, label in enumerate(classes)}
    answers = np.full(table.shape, -1)
    for j, name in enumerate(table.columns):
        column = table.iloc[:, j]
        given = column.notna().to_numpy()
        found = column[given].map(number)
        if found.isna().any():
            row = int(found.index[found.isna().to_numpy().argmax()])
            raise ValueError(
                f"annotator {name!r} gave {show(column[row])} in row {row} (from 0), which is no "
                "class of y."
            )
        answers[given, j] = found.to_numpy(dtype=int)
    return answers
