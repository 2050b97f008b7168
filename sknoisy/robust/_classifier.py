"""A classifier that finds out for itself what to do about wrong labels."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils._param_validation import HasMethods, StrOptions

from sknoisy._evidence import weight_parameter
from sknoisy._evidence._failures import warn_of_part
from sknoisy._evidence._fitting import IsModel
from sknoisy._evidence._knowledge import LEVEL, no_more_than_chance
from sknoisy._temperature import fit_temperature
from sknoisy._typing import Array, Estimator, FloatArray, MemoryLike, RandomStateLike
from sknoisy.detection.committees._label_committee import LabelCommittee
from sknoisy.detection.committees._label_members import MANY_ROWS
from sknoisy.exceptions import RareClassWarning
from sknoisy.robust._default_model import DefaultModel
from sknoisy.robust._label_score import compare_candidates, score_rows, selection_table
from sknoisy.treatment._base import BaseTreatmentClassifier
from sknoisy.treatment._held_out import N_FOLDS, enough_folds, held_out_proba, untreated
from sknoisy.treatment._treated import Treated

GATE = 0.02  # estimated noise rate below which nothing is done, and nothing tried
EVIDENT = 0.08  # bound on the noise from which correcting the labels is the one to beat
PROVEN = 2.0  # standard errors that a treatment must gain below that
MIN_ROWS = 100  # below it, parts cannot tell treatments apart
LEAST_TRUSTED = 50  # rows, to choose a treatment by
MIN_SHARE = 0.05  # soft labels less likely than this are left out
TRUST = 10.0  # weight of a trusted row where trust is tried out


class Effort(NamedTuple):
    """What a fit may take."""

    members: str
    n_rounds: int
    cv: int | None


EFFORT = {
    "fast": Effort("few", 1, 3),
    "balanced": Effort("auto", 2, None),
    "thorough": Effort("auto", 3, None),
}


class RobustClassifier(DefaultModel, BaseTreatmentClassifier):
    """Classifier that decides for itself what to do about wrong labels, or to do nothing.

    `LabelCommittee` says what the true labels are likely to be, and how much noise the labels can
    hold at all. The treatments:

    - ``"nothing"``: the plain fit, exactly;
    - ``"relabel"``: each row once for each class it may have, weighted by the posterior, the given
      label counting as evidence;
    - ``"distil"``: the same, by the mean of this posterior and of what the committee says of the
      row without its given label;
    - ``"relabel, trusted x 10"``, in place of "distil" when 50 or more rows are trusted: trusted
      rows weigh tenfold (five copies for a model without weights).

    A model that takes no weights gets the likeliest class of each row, unless
    `weight_strategy="resample"`.

    *Whether to act.* What cannot be foretold looks wrong to anyone who judges by predictions, and
    is not. So nothing is done, and nothing tried,

    - with fewer than 100 rows;
    - when out-of-sample predictions know no more of the labels than the shares of the classes
      (a permutation test, 4 %), neither the committee's nor, which is asked then, the wrapped
      model's;
    - when the noise rate by the committee, or its bound by the rows of which the committee is
      surest, is below 0.02. Overlap of classes dies out there, and wrong labels do not.

    *What to do.* With a bound below 0.08, a treatment must beat "nothing" by two standard errors,
    in the score and in the agreement with the given labels. From there on noise is evident, and
    "relabel" is the one to beat; nothing is taken that agrees with the given labels less than the
    one to beat does, by more than one standard error. The candidates are fitted on two thirds of
    the rows and predict the others; a prediction scores

    ``(agrees with the given label + posterior of the class) / 4
    + posterior of the class / (2 * K * frequency of the class)``.

    The first part is right when labels go wrong evenly, the second when they go wrong one way.
    Fifty or more trusted rows, of two classes, choose directly, from a noise rate of 0.02 on: by
    accuracy in them, held out, "nothing" being the one to beat; a gain of one standard error is
    taken whatever the given labels say.

    *Who judges.* Where there may be noise, the wrapped model is asked as well, out of sample, and
    joins the committee if it agrees more with the given labels, by more than one standard error.

    *How sure the result may be.* A model fitted on corrected labels is too sure. Its probabilities
    get the temperature that brings those of held-out rows closest to the committee's, which have
    not seen the labels of these rows. The order of the classes in a row stays.

    Number of fits. The committee takes 2 forests out of bag, 5 linear and 5 small boosting fits and
    a neighbour search; where there may be noise, its second round a forest and as many boosting
    fits again. "few": a smaller forest, 3 linear fits, neighbours, and one round. Of the wrapped
    model there is one fit when nothing is suspected, and otherwise:

    ==========  =========  =======  ==============================================
    effort      committee  rounds   wrapped model, beside the last fit
    ==========  =========  =======  ==============================================
    "fast"      "few"      1        3 as a judge, 2 of candidates
    "balanced"  "auto"     2        3 as a judge, 2 or 4 of candidates
    "thorough"  "auto"     3        3 as a judge, 6 of candidates
    ==========  =========  =======  ==============================================

    More than 5,000 rows: one smaller forest, 3 folds and one round; the wrapped model judges in 1
    fit, and in 2 more if it is the better judge; 1 fit of a candidate, "relabel" alone (3 in
    "thorough").

    Parameters
    ----------
    estimator : estimator object, default=None
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one. None
        means `HistGradientBoostingClassifier()`, for a DataFrame behind an encoder.
    effort : {"fast", "balanced", "thorough"}, default="balanced"
        See the table.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none and some
        are given), or by repeating and leaving out rows in proportion to weight.
    min_per_class : int >= 1, default=5
        The least suspect rows of each class, this many, are never touched, whatever is flagged.
    memory : str, object with the joblib.Memory interface or None, default=None
        Where to keep what was found, so that a search over parameters does not repeat it.
    n_jobs : int or None, default=None
        Fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the detection, the folds and every `random_state` that `estimator` leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted on the treated rows.
    treatment_ : {"nothing", "relabel", "distil", "relabel, trusted x 10"}
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
        The fitted detector: `noise_score_`, `noise_bound_`, `evidence_p_value_`,
        `transition_matrix_`, `y_suggested_` and more.
    temperature_ : float
        Of `predict_proba`; 1 when nothing is done, or `estimator` has no probabilities.
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

    When the wrapped model cannot be fitted on two thirds of the rows (too few rows of a class, for
    instance), nothing is done and a warning says so.

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

    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: "On calibration of modern neural networks", ICML,
    2017 (the temperature; here against the committee's probabilities).

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

    treatment_: str
    reason_: str
    selection_: pd.DataFrame
    noise_rate_: float
    committee_: dict[str, float]
    y_relabeled_: Array
    label_proba_: FloatArray

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        effort: Literal["fast", "balanced", "thorough"] = "balanced",
        weight_strategy: Literal["native", "resample"] = "native",
        min_per_class: int = 5,
        memory: MemoryLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
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
        return LabelCommittee(
            clone(self.estimator),
            members=effort.members,
            n_rounds=effort.n_rounds,
            ask_estimator=True,
            cv=effort.cv,
            n_jobs=self.n_jobs,
            random_state=self._seed(),
        )

    # ------------------------------------------------------------------ the decision

    def _treat(self, case):
        found, table, temperature = case.detector, None, 1.0
        by_trust = _trust_decides(case.evidence)
        if not found.committee_:
            name, reason = "nothing", "no row can be judged"
        elif case.evidence.n_rows < MIN_ROWS:
            name, reason = "nothing", f"fewer than {MIN_ROWS} rows: too few to compare treatments"
        elif found.evidence_p_value_ > LEVEL and not by_trust:
            name, reason = "nothing", no_more_than_chance(is_labels=True)
        elif found.noise_rate_ < GATE or (found.noise_bound_ < GATE and not by_trust):
            name, reason = "nothing", f"{_evidence_of_noise(found)}, {GATE:.0%} needed to act"
        else:
            name, reason, table, temperature = self._choose(case, by_trust)
        treated = self._candidates(case, by_trust)[name]()
        n_classes = len(case.target.classes)
        shares = treated.attributes.get("shares", np.eye(n_classes)[case.target.codes])
        treated.attributes = {
            "treatment_": name,
            "reason_": reason,
            "selection_": selection_table(table),
            "noise_rate_": found.noise_rate_,
            "committee_": found.committee_,
            "temperature_": temperature,
            "y_relabeled_": case.target.classes[_likeliest(shares, case.target.codes)],
            "label_proba_": shares,
        }
        return treated

    def _candidates(self, case, by_trust):
        """Treatments by name, made when they are called."""
        found = case.detector
        takes_weights = (
            self.weight_strategy == "resample" or weight_parameter(self.estimator) is not None
        )
        likely = found.label_proba_

        def give(proba, trust=1.0):
            return lambda: _give(case, proba, takes_weights, trust)

        candidates = {"nothing": lambda: untreated(case), "relabel": give(likely)}
        if by_trust:
            candidates[f"relabel, trusted x {TRUST:.0f}"] = give(likely, TRUST)
        else:
            candidates["distil"] = give(0.5 * (likely + found.clean_proba_))
        return candidates

    def _choose(self, case, by_trust):
        """(name, reason, comparison by name, temperature) of the best treatment."""
        evidence, found = case.evidence, case.detector
        candidates = self._candidates(case, by_trust)
        names, bar = list(candidates), PROVEN
        if by_trust:
            bar = 0.0
        elif found.noise_bound_ >= EVIDENT:
            names, bar = ["relabel", "distil", "nothing"], 0.0
            if evidence.n_rows > MANY_ROWS:  # a fit is dear, and the two are much the same
                names.remove("distil")
        to_beat = names[0]
        try:
            with warnings.catch_warnings():  # rare classes have been named already
                warnings.simplefilter("ignore", RareClassWarning)
                answers = self._held_out(
                    case, {name: candidates[name]() for name in names}, by_trust
                )
        except Exception as error:
            consequence = (
                "so that no treatment can be chosen and nothing is done about suspect labels"
            )
            warn_of_part(error, self.estimator, consequence, stacklevel=4)
            name = type(self.estimator).__name__
            return "nothing", f"{name} could not be fitted on a part of the rows", None, 1.0
        posterior = _shares(found.label_proba_, case)
        scores = {
            name: score_rows(proba, posterior, evidence, by_trust)
            for name, proba in answers.items()
        }
        table = compare_candidates(scores, evidence.inputs.sample_weight)
        agrees = ~(table["agreement_t"] < (-1.0 if bar == 0.0 else PROVEN))
        if by_trust:  # a clear gain in trusted rows outweighs what labels of unknown worth say
            agrees |= table["t"] >= 1.0
        allowed = table[(table["gain"] > 0) & (table["t"] >= bar) & agrees]
        best = allowed["gain"].idxmax() if len(allowed) else table["gain"].drop(to_beat).idxmax()
        what = f"accuracy in {evidence.trusted.sum()} trusted rows" if by_trust else "score"
        reason = (
            f"{_evidence_of_noise(found)}; {best} in place of {to_beat} changes the held-out "
            f"{what} by {table.loc[best, 'gain']:+.4f} ({table.loc[best, 't']:+.1f} standard "
            f"errors) and the agreement with the given labels by "
            f"{table.loc[best, 'agreement']:+.4f} ({table.loc[best, 'agreement_t']:+.1f})"
        )
        name = best if len(allowed) else to_beat
        temperature = 1.0
        if name != "nothing":
            temperature = fit_temperature(answers[name], found.clean_proba_)
        return name, reason, table, temperature

    def _held_out(self, case, treated, by_trust):
        """dict of name to (n, K): probabilities for rows that are held out, NaN for the others."""
        evidence, found, seed = case.evidence, case.detector, self._seed()
        folds = found.estimator_folds_
        if not folds:
            [folds] = evidence.splits(N_FOLDS, random_state=seed)
        if by_trust or self.effort == "thorough":  # a choice by a handful of rows would be luck
            used = folds
        else:
            used = folds[:1] if self.effort == "fast" else enough_folds(folds)
        answers, tested = {}, np.concatenate([test for _, test in used])
        if not np.isnan(found.estimator_proba_[tested]).any():  # these fits have been made
            answers["nothing"] = np.full(found.estimator_proba_.shape, np.nan)
            answers["nothing"][tested] = found.estimator_proba_[tested]
        answers |= held_out_proba(
            self.estimator,
            evidence,
            {name: one for name, one in treated.items() if name not in answers},
            used,
            random_state=None if self.random_state is None else seed,
            n_jobs=self.n_jobs,
        )
        return {name: answers[name] for name in treated}

    def _trace(self):
        soft = self.label_proba_.max(axis=1) < 1.0
        done = np.where(self.noise_mask_, "relabelled", np.where(soft, "soft label", "kept"))
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


def _evidence_of_noise(found):
    return (
        f"estimated noise rate {found.noise_rate_:.1%}, "
        f"where predictions are surest {found.noise_bound_:.1%}"
    )


def _give(case, proba, takes_weights, trust=1.0):
    """Each row once for each class it may have, weighted by its share, if the model takes weights.

    Else each row with its likeliest label.
    """
    codes, trusted, classes = case.target.codes, case.evidence.trusted, case.target.classes
    given = np.eye(len(classes))[codes]
    shares = _shares(proba, case)
    shares[shares < MIN_SHARE] = 0.0
    fixed = case.untouchable | (shares.sum(axis=1) == 0)  # of very many classes none is likely
    shares = np.where(fixed[:, None], given, shares)
    shares /= shares.sum(axis=1, keepdims=True)
    likeliest = _likeliest(shares, codes)
    if not takes_weights:
        copies = np.where(trusted & (trust > 1), int(trust) // 2, 1)
        rows = np.repeat(np.arange(len(codes)), copies)
        shares = np.eye(len(classes))[likeliest]
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
    return Treated(rows, classes[labels], weight, likeliest != codes, {"shares": shares})
