"""Several detectors as one."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import StrOptions

from sknoisy._evidence._arrays import foreign_as_numpy
from sknoisy._typing import ArrayLike, Contamination, CVLike, Estimator, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding, _posterior
from sknoisy.detection.committees._members import NamedMembers
from sknoisy.detection.features._neighbors import NeighborDisagreement
from sknoisy.detection.out_of_sample._confident_learning import ConfidentLearning
from sknoisy.detection.out_of_sample._residual import Residual

LEAST = 0.001  # probabilities are kept this far from 0 and 1, so that no member has a veto


class CombinedDetector(NamedMembers, BaseDetector):
    """Suspect rows by several detectors together, on the same evidence.

    Every member judges all rows, with its own rule for how many are suspect (its `contamination`),
    and `method` says how the verdicts become one. A row that some members cannot judge is judged
    by the others.

    Number of fits: that of the members, but what several of them ask is worked out only once: ten
    detectors that ask for the same model's out-of-sample responses, with the same `cv`, cost 5
    fits. With all defaults: 5 for labels (1 for a forest or bagging, which is judged out of bag),
    and the same for numbers.

    Parameters
    ----------
    detectors : list of (str, detector) tuples, default=None
        The members. They are reached by name in `set_params`, where "drop" takes one out. None
        means, for labels, "confidence" (`ConfidentLearning`) and "neighbors"
        (`NeighborDisagreement`), and for numbers `Residual` with either scale, "local" and
        "global".
    estimator : estimator object, default=None
        The model of those members that leave theirs at None. None means the one a treatment wraps;
        alone, the members' own default.
    method : {"rank", "vote", "posterior", "product", "max"}, default="rank"
        What the score is, and with `contamination="auto"` which rows are flagged. Scores of unlike
        detectors have no common scale, but their ranks have, and so have probabilities as far as
        they are calibrated.

        - "rank": mean rank of the row's score. As many rows are flagged as "posterior" flags, those
          of the highest ranks.
        - "vote": share of the members that flag the row, the order within equal shares being that
          of "rank". Flagged by more than half of them.
        - "posterior": the geometric mean of the members' odds that the row is wrong, with the prior
          of `prior_`. It does not count the same evidence twice: members that all say the same
          have the say of one. Flagged above one half.
        - "product": the product of what the members' odds differ from their prior odds, times the
          odds of `prior_`. It is right for members whose mistakes are independent, given whether
          the row is wrong, and much too sure for others. Flagged above one half.
        - "max": the row's highest rank, for members that look for unlike faults. Flagged by any.
    weights : array-like of shape (n_detectors,), default=None
        How much each member counts, in the order of `detectors` ("drop" included); not negative.
        None means equally. Not for "max".
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect by the combined score. "auto" is the rule of `method`. The
        members' votes and probabilities depend on their own.
    cv : int, splitter, iterable or None, default=None
        Given to those members that have such a parameter and leave it at None.
    n_jobs : int or None, default=None
        As `cv`. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        The same seed for all members that have such a parameter and leave it at None, so that they
        share their folds.

    Attributes
    ----------
    noise_score_ : ndarray of shape (n,)
        In [0, 1], see `method`; NaN for a row that no member could judge. Ranks are those among
        the rows that a member judges, (rank - 1/2) / number of rows.
    noise_proba_ : ndarray of shape (n,)
        Probability that the row is wrong. With "auto": for "posterior" and "product" the score;
        for "rank" the values of "posterior" in the order of the ranks; for "vote" the mean of the
        members' probabilities, for "max" the highest.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label, for a flagged row the likeliest other one; or the mean of the members'
        suggested numbers. Members that suggest nothing have no say in it.
    label_proba_ : ndarray of shape (n, K)
        For labels: posterior of the true label. With "auto", the other labels are as likely, among
        themselves, as in the mean of the members' posteriors.
    classes_ : ndarray of shape (K,)
        For labels: all classes of y.
    detectors_ : list of detectors
        The fitted members, those that were dropped left out.
    named_detectors_ : Bunch
        The same, by name.
    prior_ : float
        Mean of the members' mean `noise_proba_`, over the rows that each judges and that are not
        trusted.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    Consensus : Models vote rather than detectors.

    Notes
    -----
    With members j of weights w that sum to one, probabilities q and prior p as in `prior_`
    (kept within 0.001 and 0.999), "posterior" and "product" are

        log odds(row) = log odds(p) + s * sum over j of w_j * (log odds(q_j(row)) - log odds(p_j))

    where p_j is the mean of q_j, and s is 1 for "posterior" and the number of members for
    "product". Dividing by each member's own prior odds keeps the prior from being counted once
    for each member; a member that says the same of all rows says nothing.

    References
    ----------
    A. Zimek, R. Campello, J. Sander: "Ensembles for unsupervised outlier detection: challenges and
    research questions", SIGKDD Explorations 15, 2013 (why scores must be brought to one scale, and
    members must differ; here of rows whose targets are wrong).

    C. Dwork, R. Kumar, M. Naor, D. Sivakumar: "Rank aggregation methods for the Web", WWW, 2001
    (Borda's mean rank; here with rows that a member has not ranked).

    R. F. Bordley: "A multiplicative formula for aggregating probability assessments", Management
    Science 28, 1982 ("posterior" and "product"; there with one prior for all members).

    C. Genest, J. V. Zidek: "Combining probability distributions: a critique and an annotated
    bibliography", Statistical Science 1, 1986 (logarithmic pools).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import CombinedDetector, ConfidentLearning, NeighborDisagreement
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> members = [("model", ConfidentLearning()), ("near", NeighborDisagreement())]
    >>> detector = CombinedDetector(members, method="vote", random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.8)
    True
    >>> detector = detector.set_params(near__n_neighbors=20, model="drop").fit(X, y_noisy)
    >>> list(detector.named_detectors_)
    ['near']
    """

    _task = "both"
    _assumes = "members whose mistakes differ"
    _takes = ("predicted", "stages", "features")
    _list_of = "detectors"
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "detectors": [list, None],
        "method": [StrOptions({"rank", "vote", "posterior", "product", "max"})],
        "weights": ["array-like", None],
    }

    detectors_: list[Any]
    named_detectors_: Any
    prior_: float

    def __init__(
        self,
        detectors: list[tuple[str, Any]] | None = None,
        estimator: Estimator | None = None,
        *,
        method: Literal["rank", "vote", "posterior", "product", "max"] = "rank",
        weights: ArrayLike | None = None,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.detectors = detectors
        self.estimator = estimator
        self.method = method
        self.weights = weights
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ the members

    def _which_task(self, y):
        """What the members are for; where all are for both, what their models or y are for."""
        members = [] if self.detectors is None else [d for _, d in self._named() if d != "drop"]
        tasks = {member._task for member in members} - {"both"}
        if len(tasks) > 1:
            raise TypeError(
                "detectors has members for classification and members for regression: "
                + ", ".join(f"{type(member).__name__} ({member._task})" for member in members)
            )
        if tasks:
            return tasks.pop()
        with_model = [m for m in members if getattr(m, "estimator", None) is not None]
        if self.estimator is None and with_model:
            return with_model[0]._which_task(y)
        return super()._which_task(y)

    def _check_member(self, name, member):
        if not isinstance(member, BaseDetector):
            raise TypeError(
                f"The member {name!r} of detectors is no detector of sknoisy, nor 'drop': "
                f"{member!r}."
            )

    def _members(self, evidence):
        """Names, clones with what they leave open filled in, and weights that sum to one."""
        named = default_members(evidence.task) if self.detectors is None else self._named()
        weights = np.ones(len(named)) if self.weights is None else self._checked_weights(named)
        seed = self.random_state
        if not isinstance(seed, Integral):  # a generator would give each member other folds
            seed = int(check_random_state(seed).randint(2**31 - 1))
        open_ones = {"cv": self.cv, "n_jobs": self.n_jobs, "random_state": seed}
        names, members, shares = [], [], []
        for (name, detector), weight in zip(named, weights, strict=True):
            if detector == "drop" or weight == 0:
                continue
            if detector._task not in ("both", evidence.task):
                raise TypeError(
                    f"The member {name!r}, {type(detector).__name__}, is for {detector._task}, and "
                    f"here the task is {evidence.task}."
                )
            member = clone(detector)
            if self.estimator is not None:
                member = member._with_estimator(self.estimator)
            own = member.get_params(deep=False)
            member.set_params(**{k: v for k, v in open_ones.items() if k in own and own[k] is None})
            member._validate_params()
            has_own_model = any(
                getattr(detector, key, None) is not None for key in ("estimator", "estimators")
            )
            names.append(name)
            members.append((member, has_own_model))
            shares.append(weight)
        return names, members, np.array(shares) / np.sum(shares)

    def _checked_weights(self, named):
        weights = np.asarray(foreign_as_numpy(self.weights, "weights"), dtype=float)
        if self.method == "max":
            raise ValueError('weights have no meaning for method="max": leave them at None.')
        if weights.shape != (len(named),):
            raise ValueError(
                f"weights must have one entry for each of the {len(named)} detectors, got shape "
                f"{weights.shape}."
            )
        odd = [n for (n, _), w in zip(named, weights, strict=True) if not 0 <= w < np.inf]
        if odd:
            raise ValueError(f"weights must be finite and not negative, unlike that of {odd[0]!r}.")
        if not any(w for (_, d), w in zip(named, weights, strict=True) if d != "drop"):
            raise ValueError("All weights are zero: no member has a say.")
        return weights

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        names, members, weights = self._members(evidence)
        plain = evidence.without_fit_params() if evidence.inputs.fit_params else evidence
        fitted, findings = [], []
        for member, has_own_model in members:
            # parameters of the wrapped model's fit are not meant for a member's own model
            seen = plain if has_own_model else evidence
            findings.append(member._look(seen, alone=False))
            fitted.append(member._conclude(seen, findings[-1]))

        ranks = np.array([share_below(member.noise_score_) for member in fitted])
        proba = np.array([member.noise_proba_ for member in fitted])
        proba[np.isnan(ranks)] = np.nan
        flagged = np.array([member.noise_mask_ for member in fitted])
        free = ~evidence.trusted
        priors = [_mean(q[free & ~np.isnan(q)]) for q in proba]
        prior = float(weights @ priors)
        mean_rank = mean_known(ranks, weights)

        if self.method in ("posterior", "product"):
            score = noise_proba = pool_odds(
                proba, priors, prior, weights, independent=self.method == "product"
            )
            mask = noise_proba > 0.5
        elif self.method == "rank":
            score = mean_rank
            noise_proba = in_order_of(score, pool_odds(proba, priors, prior, weights), free)
            mask = noise_proba > 0.5
        elif self.method == "vote":
            votes = mean_known(np.where(np.isnan(ranks), np.nan, flagged), weights)
            score = (len(fitted) * votes + mean_rank) / (len(fitted) + 1)
            noise_proba, mask = mean_known(proba, weights), votes > 0.5 + 1e-9
        else:
            score = np.fmax.reduce(ranks)
            noise_proba, mask = np.fmax.reduce(proba), flagged.any(axis=0)
        noise_proba = np.nan_to_num(noise_proba)

        says = [j for j, finding in enumerate(findings) if finding.suggestion is not None]
        suggestion = label_proba = None
        if says:
            suggestion = mean_known([findings[j].suggestion for j in says], weights[says])
            if evidence.target.is_labels:
                others = mean_known([fitted[j].label_proba_ for j in says], weights[says])
                label_proba = _posterior(noise_proba, others, evidence.target)
        return Finding(
            score=score,
            suggestion=suggestion,
            noise_proba=noise_proba,
            mask=mask,
            label_proba=label_proba,
            attributes={
                "detectors_": fitted,
                "named_detectors_": Bunch(**dict(zip(names, fitted, strict=True))),
                "prior_": prior,
            },
        )

    def _reason(self, row):
        known = [
            (name, member)
            for name, member in self.named_detectors_.items()
            if not np.isnan(member.noise_score_[row])
        ]
        agree = [(name, member) for name, member in known if member.noise_mask_[row]]
        _, speaker = max(agree or known, key=lambda pair: pair[1].noise_proba_[row])
        who = ": " + ", ".join(name for name, _ in agree) if agree else ""
        return f"{len(agree)} of {len(known)} detectors flag it{who}; {speaker._reason(row)}"


def default_members(task):
    """Cheap ones."""
    if task == "classification":
        return [("confidence", ConfidentLearning()), ("neighbors", NeighborDisagreement())]
    return [("local", Residual(scale="local")), ("global", Residual(scale="global"))]


def share_below(score):
    """Ranks as shares in (0, 1) of the rows that have a score; equal scores have the mean rank."""
    shares, known = np.full(len(score), np.nan), ~np.isnan(score)
    if known.any():
        shares[known] = (rankdata(score[known]) - 0.5) / known.sum()
    return shares


def mean_known(values, weights):
    """Weighted mean over the first axis of what is not NaN; NaN where there is nothing else."""
    values = np.asarray(values, dtype=float)
    weights = weights.reshape(-1, *[1] * (values.ndim - 1))
    total = (weights * ~np.isnan(values)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return (weights * np.nan_to_num(values)).sum(axis=0) / np.where(total > 0, total, np.nan)


def pool_odds(proba, priors, prior, weights, *, independent=False):
    """(n,): probabilities (m, n) pooled by their odds, each over its member's prior odds.

    `weights` sum to one, and with `independent` to m. Where all known members say 0, it is 0.
    """

    def log_odds(p):
        return logit(np.clip(p, LEAST, 1 - LEAST))

    gain = log_odds(proba) - log_odds(np.array(priors))[:, None]
    if independent:
        total = (len(weights) * weights[:, None] * np.nan_to_num(gain)).sum(axis=0)
        total[np.isnan(gain).all(axis=0)] = np.nan
    else:
        total = mean_known(gain, weights)
    return np.where(
        (np.nan_to_num(proba) > 0).any(axis=0), expit(log_odds(prior) + total), 0 * total
    )


def in_order_of(score, proba, free):
    """The values of `proba` in the order of `score`; equal scores share the mean of theirs."""
    out = np.zeros(len(score))
    rows = np.flatnonzero(free & ~np.isnan(score))
    _, group = np.unique(score[rows], return_inverse=True)
    values = np.sort(proba[rows])[np.argsort(np.argsort(score[rows], kind="stable"))]
    if len(rows):
        out[rows] = (np.bincount(group, values) / np.bincount(group))[group]
    return out


def _mean(values):
    return float(values.mean()) if len(values) else 0.0
