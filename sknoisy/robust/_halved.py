"""A committee for each half of the rows, so that one half can judge what is done to the other."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from sknoisy.detection._base import Finding
from sknoisy.detection.committees._label_committee import LabelCommittee
from sknoisy.detection.committees._label_members import MANY_ROWS
from sknoisy.exceptions import RareClassWarning
from sknoisy.robust._choice import part_of


class HalvedCommittee(LabelCommittee):
    """`LabelCommittee` in which, with many rows, no verdict has seen a label of the other half.

    Half of many rows teach a committee almost as much as all, and one pass then serves both to find
    the suspect rows and to compare treatments.

    Attributes
    ----------
    halves_ : tuple of two ndarrays
        Rows of the halves; with few rows there is no such attribute, and one committee.
    """

    def _find(self, evidence):
        if evidence.n_rows <= MANY_ROWS:
            return super()._find(evidence)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(2**31 - 1, size=3)
        [splits] = evidence.splits(2, random_state=int(seeds[0]))
        # sole members of a class are in the training part of both: the first keeps them
        halves = splits[0][0], np.setdiff1d(splits[1][0], splits[0][0])
        with warnings.catch_warnings():  # rare classes have been named when the rows were halved
            warnings.simplefilter("ignore", RareClassWarning)
            found = [
                _half(self, part_of(evidence, rows), int(seed))
                for rows, seed in zip(halves, seeds[1:], strict=True)
            ]
        return _merge(found, halves, evidence)


def _half(committee, part, seed):
    params = clone(committee).get_params(deep=False)
    # a further round is dear where rows are many
    half = LabelCommittee(**params | {"random_state": seed, "n_rounds": 1})
    return half._find(part), part.target.classes


def _merge(found, halves, evidence):
    """One `Finding` from those of the halves, in the columns of all classes."""
    classes, n = evidence.target.classes, evidence.n_rows
    finding = Finding(
        score=np.full(n, np.nan),
        suggestion=np.zeros((n, len(classes))),
        noise_proba=np.zeros(n),
        mask=np.zeros(n, dtype=bool),
        label_proba=np.zeros((n, len(classes))),
    )
    attributes = {name: np.zeros((n, len(classes))) for name in ("class_proba_", "clean_proba_")}
    transition, rate, committee = np.zeros((len(classes),) * 2), 0.0, {}
    seen = np.zeros(len(classes))
    for (part, known), rows in zip(found, halves, strict=True):
        share, columns = len(rows) / n, np.searchsorted(classes, known)
        block = np.ix_(rows, columns)
        for name in ("score", "noise_proba", "mask"):
            getattr(finding, name)[rows] = getattr(part, name)
        for name in ("suggestion", "label_proba"):
            getattr(finding, name)[block] = getattr(part, name)
        for name, values in attributes.items():
            values[block] = part.attributes[name]
        transition[np.ix_(columns, columns)] += share * part.attributes["transition_matrix_"]
        seen[columns] += share
        rate += share * part.attributes["noise_rate_"]
        for name, weight in part.attributes["committee_"].items():
            committee[name] = committee.get(name, 0.0) + share * weight
    transition /= np.where(seen > 0, seen, 1.0)[:, None]
    finding.attributes = attributes | {
        "clean_proba_rounds_": [attributes["clean_proba_"]],
        "transition_matrix_": transition / transition.sum(axis=1, keepdims=True),
        "noise_rate_": float(rate),
        "committee_": committee,
        "halves_": halves,
    }
    return finding
