"""A classifier that finds out for itself what to do about wrong labels."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions

from sknoisy._evidence import weight_parameter
from sknoisy._evidence._failures import with_notes
from sknoisy._evidence._fitting import IsModel
from sknoisy.detection.committees._label_members import MANY_ROWS
from sknoisy.exceptions import RareClassWarning
from sknoisy.robust._choice import assemble, from_part, held_out, part_of, untreated
from sknoisy.robust._default_model import DefaultModel
from sknoisy.robust._halved import HalvedCommittee
from sknoisy.robust._label_score import (
    BALANCED,
    PredictedCodes,
    compare_candidates,
    score_rows,
    selection_table,
)
from sknoisy.treatment._base import BaseTreatmentClassifier, Treated

GATE = 0.02  # estimated noise rate below which nothing is done, and nothing tried
MUCH = 0.1  # estimated noise rate from which correcting the labels is the one to beat
SURE = 3.0  # standard errors that a treatment must gain below that rate
MIN_ROWS = 100  # below it, halves cannot tell treatments apart
LEAST_TRUSTED = 50  # rows, to choose a treatment by
HALF_FOLDS = 4  # of a committee on half of the rows
MIN_SHARE = 0.02  # soft labels less likely than this are left out
TRUST = 10.0  # weight of a trusted row where trust is tried out


class Effort(NamedTuple):
    """What a fit may take."""

    members: str
    n_rounds: int
    cv: int | None
    most_rows: int  # to choose by
    n_pairs: int  # of halves


EFFORT = {
    "fast": Effort("few", 1, 3, 2_000, 1),
    "balanced": Effort("auto", 2, None, 3_000, 1),
    "thorough": Effort("auto", 2, None, 5_000, 3),
}


class RobustClassifier(DefaultModel, BaseTreatmentClassifier):
    """Classifier that decides for itself what to do about wrong labels, or to do nothing.

    `LabelCommittee` says what the true labels are likely to be, whatever the wrapped model is.
    What to do follows from the estimated noise rate and from what it does for the wrapped model on
    rows that are held out. The treatments:

    - ``"nothing"``: the plain fit, exactly;
    - ``"relabel"``: each row gets its likeliest label, the given one counting as evidence;
    - ``"distil"``: each row gets the likeliest label, the given one unseen: what the committee
      says of it out of sample;
    - ``"soft"`` and ``"soft, trusted x 10"``, in place of these two when 50 or more rows are
      trusted: a row once for each class it may have, weighted by the posterior (a model that takes
      no weights gets the likeliest class, unless `weight_strategy="resample"`); and the same with
      trusted rows weighing tenfold (five copies for a model without weights).

    How they are chosen, by the estimated noise rate:

    - below 0.02 (or with fewer than 100 rows): nothing is done, and nothing tried;
    - below 0.1: "relabel" or "distil" must beat "nothing" by three standard errors of the score;
    - from there on "relabel" is the one to beat, and "nothing", "distil" or the same by the first
      round alone, "distil, round 1", is taken if its score is higher.

    Nothing is taken that agrees with the given labels less than the one to beat does, by more than
    one standard error.

    To score them, the rows are halved, and each half has a committee of its own, so that no label
    of the rows that judge has reached the model. The model treated on one half predicts the other,
    and a prediction scores

    ``(agrees with the given label + posterior of the class) / 4
    + posterior of the class / (2 * K * frequency of the class)``,

    with the posterior by the judging half's committee. The first part is right when labels go
    wrong evenly, the second when they go wrong one way. Fifty or more trusted rows, of two classes,
    choose directly, whatever the noise rate (but below 0.02 nothing is done): by accuracy in them,
    held out, "nothing" being the one to beat; a gain of one standard error is taken whatever the
    given labels say. With more than 5,000 rows there are only the committees of the halves, which
    then find the suspect rows as well: models are fitted on 5,000 rows of the first half and judged
    on the second, by the first part of the score alone.

    Number of fits. A committee is 2 forests out of bag, 5 linear and 5 small boosting fits (4 and
    4 in a half) and a neighbour search, then, in its second round, a forest and as many boosting
    fits again; "few": a smaller forest, 3 linear fits, neighbours, and one round. The wrapped model
    is fitted once at the end, and to choose, on a half, twice for each of 3 or 4 candidates:

    ==========  ==================================  =========================  =================
    effort      committee                           wrapped model              chosen by at most
    ==========  ==================================  =========================  =================
    "fast"      "few", 1 on all rows, 2 on halves   1, and 6 on halves         2,000 rows
    "balanced"  "auto", 1 on all rows, 2 on halves  1, and 6 or 8 on halves    3,000 rows
    "thorough"  "auto", 1 on all rows, 6 on halves  1, and 18 or 24 on halves  5,000 rows
    ==========  ==================================  =========================  =================

    More than 5,000 rows: committees on the 2 halves alone, of one smaller forest, with 3 folds and
    one round; 1 fit of the wrapped model, and 3 on at most 5,000 rows of the first half
    ("thorough", and where trusted rows choose: as many of the second); chosen by all rows of the
    half that judges.

    Parameters
    ----------
    estimator : estimator object, default=None
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one. None
        means `HistGradientBoostingClassifier()`, for a DataFrame behind an encoder.
    effort : {"fast", "balanced", "thorough"}, default="balanced"
        See the table. "thorough" halves the rows in three ways (up to 5,000 rows).
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none and some
        are given), or by repeating and leaving out rows in proportion to weight.
    min_per_class : int >= 1, default=5
        The least suspect rows of each class, this many, are never touched, whatever is flagged.
    memory : str, object with the joblib.Memory interface or None, default=None
        Where to keep what was found, so that a search over parameters does not repeat it. What is
        found in the halves is not kept.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the detection, the halves and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted on the treated rows.
    treatment_ : {"nothing", "relabel", "distil", "distil, round 1", "soft", "soft, trusted x 10"}
        What was done.
    reason_ : str
        Why.
    selection_ : DataFrame
        Candidates by name, the one to beat first: `score`, `gain` over the one to beat, `t` (the
        gain in standard errors), `agreement` (how much more often the given label is predicted) and
        `agreement_t`. Empty when nothing had to be compared.
    noise_rate_ : float
        Estimated share of wrong labels among the rows that are not trusted.
    committee_ : dict of str to float
        Members of the committee and their weights.
    detector_ : LabelCommittee
        The fitted detector: `noise_score_`, `transition_matrix_`, `y_suggested_` and more.
    classes_ : ndarray of shape (K,)
        All classes of y.
    noise_proba_ : ndarray of shape (n,)
        Probability that the label of a training row is wrong.
    noise_mask_ : ndarray of shape (n,) of bool
        Training rows whose label was replaced, or is not the likeliest any more.
    y_relabeled_ : ndarray of shape (n,)
        The likeliest label of each training row after the treatment.
    label_proba_ : ndarray of shape (n, K)
        What the last fit was given: the share of each label in each row.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterClassifier, RelabelClassifier, ReweightClassifier : When you decide.
    sknoisy.detection.LabelCommittee : What finds the suspect rows.

    Notes
    -----
    What it cannot do: help where features predict the noise everywhere, since the committee
    learns it too; tell noise at class boundaries from classes that overlap there; win back much
    for a class so rare that the committee does not see it any more; win back much for a forest,
    which averages noise away by itself. Trusted rows should be a random sample: easy ones choose
    for easy rows.

    The wrapped model is no member of the committee: as one it changed the average precision, a mean
    over four data sets and five noises, by 0.002 at most, whether linear, nearest rows, a tree, a
    forest or boosting, at 5 to 9 more fits.

    When the wrapped model cannot be fitted on a half (too few rows of a class, for instance),
    nothing is done and a warning says so.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean: "Distilling the knowledge in a neural network", NIPS workshop,
    2014 (a model fitted on the probabilities of others; here out of sample, and freed of noise).

    S. Reed, H. Lee, D. Anguelov, C. Szegedy, D. Erhan, A. Rabinovich: "Training deep neural
    networks on noisy labels with bootstrapping", ICLR workshop, 2015 (soft and hard correction).

    D. Hendrycks, M. Mazeika, D. Wilson, K. Gimpel: "Using trusted data to train deep networks on
    labels corrupted by severe noise", NeurIPS, 2018 (trusted rows for the transition matrix; here
    for the pool and the choice as well).

    D. H. Wolpert: "Stacked generalization", Neural Networks 5, 1992 (choosing by held-out
    predictions; here against a posterior of the true label).

    `LabelCommittee` names those of the committee, the transition matrix and the posterior.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.robust import RobustClassifier
    >>> X, y = make_classification(600, class_sep=2.0, flip_y=0, random_state=0)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> RobustClassifier(tree, effort="fast", random_state=0).fit(X[:300], y[:300]).treatment_
    'nothing'
    >>> y_noisy, wrong = symmetric_noise(y[:300], rate=0.3, random_state=0)
    >>> model = RobustClassifier(tree, effort="fast", random_state=0).fit(X[:300], y_noisy)
    >>> model.treatment_ != "nothing"
    True
    >>> bool(model.score(X[300:], y[300:]) > tree.fit(X[:300], y_noisy).score(X[300:], y[300:]))
    True
    """

    _parameter_constraints: dict = {
        "estimator": [IsModel(), None],
        "effort": [StrOptions(set(EFFORT))],
        "weight_strategy": BaseTreatmentClassifier._parameter_constraints["weight_strategy"],
        "min_per_class": BaseTreatmentClassifier._parameter_constraints["min_per_class"],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        effort="balanced",
        weight_strategy="native",
        min_per_class=5,
        memory=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.effort = effort
        self.weight_strategy = weight_strategy
        self.min_per_class = min_per_class
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    # what is found here, and how much of it, is no parameter
    detector = None
    contamination = None

    def _default_model(self):
        return HistGradientBoostingClassifier()

    def _make_detector(self):
        effort = EFFORT[self.effort]
        return HalvedCommittee(
            clone(self.estimator),
            members=effort.members,
            n_rounds=effort.n_rounds,
            cv=effort.cv,
            n_jobs=self.n_jobs,
            random_state=self._seed(),
        )

    # ------------------------------------------------------------------ the decision

    def _treat(self, case):
        found = case.detector
        table = None
        if not found.committee_:
            name, reason = "nothing", "no row can be judged"
        elif case.evidence.n_rows < MIN_ROWS:
            name, reason = "nothing", f"fewer than {MIN_ROWS} rows: too few to compare treatments"
        elif found.noise_rate_ < GATE:
            name = "nothing"
            reason = f"estimated noise rate {found.noise_rate_:.1%}, {GATE:.0%} needed to act"
        else:
            name, reason, table = self._choose(case)
        treated = self._candidates(case, _trust_decides(case.evidence))[name]()
        n_classes = len(case.target.classes)
        shares = treated.attributes.get("shares", np.eye(n_classes)[case.target.codes])
        treated.attributes = {
            "treatment_": name,
            "reason_": reason,
            "selection_": selection_table(table),
            "noise_rate_": found.noise_rate_,
            "committee_": found.committee_,
            "y_relabeled_": case.target.classes[_likeliest(shares, case.target.codes)],
            "label_proba_": shares,
        }
        return treated

    def _candidates(self, case, by_trust):
        """Treatments by name, made when they are called."""
        found = case.detector
        candidates = {"nothing": lambda: untreated(case)}
        if by_trust:
            takes_weights = (
                self.weight_strategy == "resample" or weight_parameter(self.estimator) is not None
            )
            candidates["soft"] = lambda: _soft(case, found.label_proba_, takes_weights)
            candidates[f"soft, trusted x {TRUST:.0f}"] = lambda: _soft(
                case, found.label_proba_, takes_weights, TRUST
            )
        else:
            candidates["relabel"] = lambda: _hard(case, found.label_proba_)
            candidates["distil"] = lambda: _hard(case, found.clean_proba_)
            candidates["distil, round 1"] = lambda: _hard(case, found.clean_proba_rounds_[0])
        return candidates

    def _choose(self, case):
        """(name, reason, comparison by name) of the best treatment."""
        effort = EFFORT[self.effort]
        rng = check_random_state(self._seed())
        evidence, by_trust = case.evidence, _trust_decides(case.evidence)
        rate = case.detector.noise_rate_
        names, bar = ["nothing", "relabel", "distil"], SURE
        if by_trust:
            names, bar = list(self._candidates(case, by_trust)), 0.0
        elif rate >= MUCH:
            names, bar = ["relabel", "nothing", "distil"], 0.0
            if len(case.detector.clean_proba_rounds_) > 1:
                names.append("distil, round 1")
        to_beat = names[0]
        halved = hasattr(case.detector, "halves_")
        if evidence.n_rows > effort.most_rows and not halved:
            order = rng.permutation(evidence.n_rows)
            if by_trust:  # a choice by a handful of rows would be luck
                judges = order[evidence.trusted[order]][: effort.most_rows // 10]
                order = np.concatenate([judges, order[~np.isin(order, judges)]])
            evidence = part_of(evidence, np.sort(order[: effort.most_rows]))
        try:
            with warnings.catch_warnings():  # rare classes have been named already
                warnings.simplefilter("ignore", RareClassWarning)
                rounds = [
                    self._halved_round(case, names, by_trust, int(seed))
                    if halved
                    else self._round(case, evidence, names, by_trust, int(seed))
                    for seed in rng.randint(2**31 - 1, size=1 if halved else effort.n_pairs)
                ]
        except Exception as error:
            if not getattr(error, "is_about_rows", True):  # nor would all rows do
                raise
            name = type(self.estimator).__name__
            warnings.warn(
                f"{name} could not be fitted on half of the rows, so that no treatment can be "
                f"chosen and nothing is done about suspect labels. It said: {with_notes(error)}",
                UserWarning,
                stacklevel=4,
            )
            return "nothing", f"{name} could not be fitted on half of the rows", None
        table = compare_candidates(rounds, evidence.inputs.sample_weight)
        agrees = ~(table["agreement_t"] < -1.0)
        if by_trust:  # a clear gain in trusted rows outweighs what labels of unknown worth say
            agrees |= table["t"] >= 1.0
        allowed = table[(table["gain"] > 0) & (table["t"] >= bar) & agrees]
        best = allowed["gain"].idxmax() if len(allowed) else table["gain"].drop(to_beat).idxmax()
        what = f"accuracy in {evidence.trusted.sum()} trusted rows" if by_trust else "score"
        reason = (
            f"estimated noise rate {rate:.1%}; {best} in place of {to_beat} changes the held-out "
            f"{what} by {table.loc[best, 'gain']:+.4f} ({table.loc[best, 't']:+.1f} standard "
            f"errors) and the agreement with the given labels by "
            f"{table.loc[best, 'agreement']:+.4f} ({table.loc[best, 'agreement_t']:+.1f})"
        )
        return best if len(allowed) else to_beat, reason, table

    def _round(self, case, evidence, names, by_trust, seed):
        """dict of name to (score, agreement) of each row, for one way to halve the rows."""
        target, n = evidence.target, evidence.n_rows
        [splits] = evidence.splits(2, random_state=seed)
        posterior = np.eye(len(target.classes))[target.codes]
        treated = {name: [] for name in names}
        for train, _ in splits:
            part = part_of(evidence, train)
            found = clone(case.detector)
            found.set_params(cv=found.cv or HALF_FOLDS)
            own = self._case(part, found._conclude(part, found._find(part)))
            columns = np.searchsorted(target.classes, part.target.classes)
            posterior[np.ix_(train, columns)] = _shares(found.label_proba_, own)
            candidates = self._candidates(own, by_trust)
            for name in names:
                treated[name].append(from_part(candidates[name](), train, n))
        return self._compare(evidence, treated, splits, posterior, by_trust, seed, BALANCED)

    def _halved_round(self, case, names, by_trust, seed):
        """The same where the evidence was made in halves: the first judges by the second."""
        rng = check_random_state(seed)
        first, second = case.detector.halves_
        splits = [(first, second)]
        if by_trust or self.effort == "thorough":
            splits.append((second, first))
        splits = [(rng.permutation(train)[:MANY_ROWS], test) for train, test in splits]
        posterior = _shares(case.detector.label_proba_, case)
        candidates = self._candidates(case, by_trust)
        treated = {name: candidates[name]() for name in names}
        # many rows need no help to see rare classes
        return self._compare(case.evidence, treated, splits, posterior, by_trust, seed, 0.0)

    def _compare(self, evidence, treated, splits, posterior, by_trust, seed, balanced):
        n = evidence.n_rows
        answers = held_out(
            self.estimator,
            evidence,
            treated,
            splits,
            PredictedCodes(evidence.target),
            random_state=None if self.random_state is None else seed,
            n_jobs=self.n_jobs,
        )
        predicted = {name: assemble(each, splits, n) for name, each in answers.items()}
        return {
            name: score_rows(codes, posterior, evidence, by_trust, balanced)
            for name, codes in predicted.items()
        }

    def _trace(self):
        rest = "soft label" if self.treatment_.startswith("soft") else "kept"
        done = np.where(self.noise_mask_, "relabelled", rest)
        return {"treatment": done, "relabeled": self.y_relabeled_}


def _trust_decides(evidence):
    trusted = evidence.trusted
    return trusted.sum() >= LEAST_TRUSTED and len(np.unique(evidence.target.codes[trusted])) > 1


# --------------------------------------------------------------------------- treatments


def _shares(proba, case):
    """`proba` (n, K), and the given label where nobody can judge."""
    codes, shares = case.target.codes, proba.copy()
    unknown = np.isnan(shares).any(axis=1)
    shares[unknown] = np.eye(shares.shape[1])[codes[unknown]]
    return shares


def _likeliest(shares, codes):
    """The likeliest class of each row; a tie changes nothing."""
    own = shares[np.arange(len(codes)), codes]
    return np.where(own < shares.max(axis=1), shares.argmax(axis=1), codes)


def _soft(case, proba, takes_weights, trust=1.0):
    """Each row once for each class it may have, weighted by its share."""
    codes, trusted = case.target.codes, case.evidence.trusted
    given = np.eye(len(case.target.classes))[codes]
    shares = _shares(proba, case)
    shares[shares < MIN_SHARE] = 0.0
    fixed = case.untouchable | (shares.sum(axis=1) == 0)  # of very many classes none is likely
    shares = np.where(fixed[:, None], given, shares)
    shares /= shares.sum(axis=1, keepdims=True)
    likeliest = _likeliest(shares, codes)
    if not takes_weights:
        copies = np.where(trusted & (trust > 1), int(trust) // 2, 1)
        rows = np.repeat(np.arange(len(codes)), copies)
        shares = np.eye(len(case.target.classes))[likeliest]
        labels, weight = likeliest[rows], case.sample_weight
        weight = None if weight is None else weight[rows]
    else:
        rows, labels = np.nonzero(shares)
        weight = shares[rows, labels] * np.where(trusted[rows], trust, 1.0)
        if case.sample_weight is not None:
            weight = weight * case.sample_weight[rows]
        # the same weight in all, for models whose regularisation depends on it
        total = len(codes) if case.sample_weight is None else case.sample_weight.sum()
        weight *= total / weight.sum()
    return Treated(
        rows, case.target.classes[labels], weight, likeliest != codes, {"shares": shares}
    )


def _hard(case, proba):
    """Each row with its likeliest label."""
    codes = case.target.codes
    likeliest = _likeliest(_shares(proba, case), codes)
    labels = np.where(case.untouchable, codes, likeliest)
    return Treated(
        None,
        case.target.classes[labels],
        case.sample_weight,
        labels != codes,
        {"shares": np.eye(proba.shape[1])[labels]},
    )
