"""A regressor that finds out for itself what to do about wrong targets."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils._param_validation import HasMethods, StrOptions

from sknoisy._evidence import weight_parameter
from sknoisy._evidence._fitting import IsModel
from sknoisy._evidence._responses import number_response
from sknoisy.detection.committees._number_committee import MIN_ROWS, NumberCommittee
from sknoisy.robust._default_model import DefaultModel
from sknoisy.robust._own_loss import own_loss
from sknoisy.treatment import FilterRegressor, RelabelRegressor, ReweightRegressor
from sknoisy.treatment._base import BaseTreatmentRegressor
from sknoisy.treatment._held_out import (
    assemble,
    compare,
    from_part,
    held_out,
    part_of,
    untreated,
)

N_FOLDS = 3
LEAST_TRUSTED = 50  # rows, to choose a treatment by
DISTIL = 0.4  # share of the committee's prediction in every target that is distilled
HEAD_START = 0.05  # what distilling must win by when its teacher has seen the held-out rows
PROVEN_T, UNPROVEN_T = 1.0, 2.5  # standard errors by which doing nothing must be beaten


class RobustRegressor(DefaultModel, BaseTreatmentRegressor):
    """Regressor that decides for itself what to do about wrong targets, or to do nothing.

    `NumberCommittee` says how likely each given number is to be wrong, whatever the wrapped model
    is, and whether noise is proven at all. Treatments are then compared by what they do for the
    wrapped model on rows that are held out, doing nothing being the one to beat:

    - ``"nothing"``: the plain fit, exactly;
    - ``"filter"``: without rows that are more likely wrong than right (`FilterRegressor`);
    - ``"relabel"``: each target blended with the committee's prediction by its probability of
      being wrong (`RelabelRegressor`);
    - ``"distil"``: the same, with at least 0.4 of the prediction in every target that is not
      trusted;
    - ``"reweight"``, with `effort="thorough"` and a model that takes weights (or
      `weight_strategy="resample"`): rows weigh by their probability of being right
      (`ReweightRegressor`).

    How they are compared:

    - *Noise is proven*: by the squared error expected under the posterior, ``(1 - p) (y - g)^2 +
      p (f - g)^2`` for a held-out prediction g, the committee's prediction f, and P(wrong) p. The
      lowest is taken if it is below that of doing nothing by 1 standard error. Distilling must be
      5 % below the others, because the committee has seen the held-out rows (not with
      `effort="thorough"`).
    - *Not proven*: targets are relabelled only if filtering lowers the squared error against the
      targets as given by 2.5 standard errors. If nothing is wrong, this error is the true one.
    - *At least 50 rows are trusted*: by the squared error in those rows, held out; all treatments
      compete, and must beat doing nothing by 1 standard error, or 2.5 if noise is not proven.

    Number of fits. A round of the committee is 5 kernel machines, 5 boosting, 5 linear and 5
    neighbour models on 4/5 of the rows and 3 forests out of bag. Of the wrapped model there is
    one last fit, and to choose, on 2/3 of the rows: none when no row is suspect, 6 when noise is
    not proven, else 12 (15 with reweighting):

    ============  ========================================  =======================
    effort        committee                                 wrapped model
    ============  ========================================  =======================
    "fast"        1 round                                   1 (relabel, if proven)
    "balanced"    1 round, 2 where there are suspects       1, 7 or 13
    "thorough"    the same, and again for each of 3 folds   1, 7 or 13, or 10 or 16
                                                            with reweighting
    ============  ========================================  =======================

    Parameters
    ----------
    estimator : estimator object, default=None
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one. None
        means `HistGradientBoostingRegressor()`, for a DataFrame behind an encoder.
    effort : {"fast", "balanced", "thorough"}, default="balanced"
        "fast": one round of the committee; relabel when noise is proven, else nothing; no
        treatment is tried out, and trusted rows only inform the committee. "balanced": as
        above. "thorough": suspects are found anew in each training part, so that no treatment has
        seen the rows it is judged by.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none and some
        are given), or by repeating and leaving out rows in proportion to weight.
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
    treatment_ : {"nothing", "filter", "relabel", "distil", "reweight"}
        What was done.
    reason_ : str
        Why.
    selection_ : DataFrame
        Candidates by name: `loss` (mean held-out loss), `relative` (over that of doing nothing) and
        `t` (the difference to doing nothing, in standard errors; negative is better). Empty when
        nothing had to be compared.
    noise_rate_ : float
        Estimated share of wrong targets among the rows that are not trusted.
    committee_ : dict of str to float
        Members of the committee and their weights.
    detector_ : NumberCommittee
        The fitted detector.
    noise_proba_ : ndarray of shape (n,)
        Probability that the target of a training row is wrong. Next to nothing everywhere, when
        noise is not proven and nothing is done.
    noise_mask_ : ndarray of shape (n,) of bool
        Training rows that were acted on: dropped, or more than half replaced or weighed down.
    y_treated_ : ndarray of shape (n,)
        Targets after the treatment; those of dropped rows as given.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    FilterRegressor, RelabelRegressor, ReweightRegressor : When you decide.
    sknoisy.detection.NumberCommittee : What finds the suspect rows.

    Notes
    -----
    What it cannot do: win back what noise costs when errors are smaller than what any model leaves
    unexplained; help against systematic errors that features predict, since the committee learns
    them too; judge fewer than 30 rows or a constant target, in which case it is the plain model.
    The constants above were chosen on four data sets with injected noise, of at most 1,200 rows.

    References
    ----------
    C. E. Brodley, M. A. Friedl: "Identifying mislabeled training data", Journal of Artificial
    Intelligence Research 11, 1999 (a committee that cleans for another model).

    S. Reed, H. Lee, D. Anguelov, C. Szegedy, D. Erhan, A. Rabinovich: "Training deep neural
    networks on noisy labels with bootstrapping", ICLR workshop, 2015 (targets blended with
    predictions; here out of sample, of other models, and by a posterior).

    G. Hinton, O. Vinyals, J. Dean: "Distilling the knowledge in a neural network", NIPS workshop,
    2014 (a model fitted on the predictions of others).

    D. H. Wolpert: "Stacked generalization", Neural Networks 5, 1992 (choosing by held-out
    predictions; here against the posterior of the target).

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.linear_model import Ridge
    >>> from sknoisy.datasets import decimal_noise
    >>> from sknoisy.robust import RobustRegressor
    >>> X, y = make_friedman1(300, noise=0.5, random_state=0)
    >>> RobustRegressor(Ridge(), random_state=0).fit(X, y).treatment_
    'nothing'
    >>> y_noisy, wrong = decimal_noise(y, rate=0.2, random_state=0)
    >>> model = RobustRegressor(Ridge(), random_state=0).fit(X, y_noisy)
    >>> model.treatment_ != "nothing"
    True
    >>> bool((model.noise_mask_ == wrong).mean() > 0.9)
    True
    """

    detector = None  # not a parameter: always the committee
    _parameter_constraints: dict = {
        "estimator": [IsModel(), None],
        "effort": [StrOptions({"fast", "balanced", "thorough"})],
        "weight_strategy": BaseTreatmentRegressor._parameter_constraints["weight_strategy"],
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
        memory=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.effort = effort
        self.weight_strategy = weight_strategy
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _default_model(self):
        return HistGradientBoostingRegressor()

    def _make_detector(self):
        return NumberCommittee(
            clone(self.estimator),
            n_rounds=1 if self.effort == "fast" else 2,
            n_jobs=self.n_jobs,
            random_state=self._seed(),
        )

    # ------------------------------------------------------------------ the decision

    def _treat(self, case):
        found = case.detector
        proven = found.gain_ > found.price_
        # what would be treated with, if anything is done
        suspected = np.where(case.evidence.trusted, 0.0, found.conditional_proba_)
        suspects = replace(case, noise_proba=suspected, noise_mask=suspected > 0.5)
        table = None
        if not suspects.noise_mask.any():
            name, reason = "nothing", _why_nobody(case)
        elif self.effort == "fast":
            act = "relabel" if own_loss(self.estimator).is_central else "filter"
            name = act if proven else "nothing"
            reason = _evidence_of_noise(found)
        else:
            name, reason, table = self._choose(suspects, proven)
        treated = self._candidates(suspects)[name]()
        y_treated = case.target.y if treated.rows is not None else treated.y
        proba = case.noise_proba if name == "nothing" else suspected
        unsure = ~case.evidence.trusted
        treated.attributes = {
            "treatment_": name,
            "reason_": reason,
            "selection_": _selection(table),
            "noise_rate_": float(proba[unsure].mean()) if unsure.any() else 0.0,
            "noise_proba_": proba,
            "committee_": found.committee_,
            "y_treated_": y_treated,
        }
        if name == "reweight":
            treated.noise_mask = suspects.noise_mask
        return treated

    def _candidates(self, case):
        """Treatments by name, made when they are called; `case` has the suspects."""
        takes_weights = (
            self.weight_strategy == "resample" or weight_parameter(self.estimator) is not None
        )
        distilled = replace(case, noise_proba=np.maximum(case.noise_proba, DISTIL))
        model = self.estimator
        candidates = {
            "nothing": lambda: untreated(case),
            "filter": lambda: FilterRegressor(model)._treat(case),
            "relabel": lambda: RelabelRegressor(model)._treat(case),
            "distil": lambda: RelabelRegressor(model)._treat(distilled),
        }
        if own_loss(model).is_bounded:  # a corrected count is no less than the least one given
            lowest = case.target.y.min()

            def bounded(make):
                def made():
                    treated = make()
                    return replace(treated, y=np.maximum(treated.y, lowest))

                return made

            candidates |= {name: bounded(candidates[name]) for name in ("relabel", "distil")}
        if not own_loss(model).is_central:  # nothing that the committee predicts is its target
            del candidates["relabel"], candidates["distil"]
        if self.effort == "thorough" and takes_weights:
            candidates["reweight"] = lambda: ReweightRegressor(model, floor=1e-3)._treat(case)
        return candidates

    def _choose(self, case, proven):
        """(name, reason, held-out losses by name) of the best treatment."""
        evidence, found, y = case.evidence, case.detector, case.target.y.astype(float)
        trusted = evidence.trusted
        by_trust = trusted.sum() >= LEAST_TRUSTED
        names = list(self._candidates(case))
        if not proven and not by_trust:
            names = ["nothing", "filter"]
        predicted = self._held_out(case, names)
        weight, own = case.sample_weight, own_loss(self.estimator)
        cost = own.cost

        def losses(loss):
            return {name: loss(g) for name, g in predicted.items()}

        if by_trust:
            table = losses(lambda g: np.where(trusted, cost(y, g), np.nan))
            what = f"{own.name} in the {trusted.sum()} trusted rows"
        elif proven:
            p, f = case.noise_proba, found.y_suggested_.astype(float)
            corrected = cost if own.is_central else lambda f, g: 0.0 * g
            table = losses(lambda g: (1 - p) * cost(y, g) + p * corrected(f, g))
            what = f"{own.name} expected under the posterior"
        else:
            table = losses(lambda g: cost(y, g))
            what = f"{own.name} against the targets as given"
        table = _Table(table, weight)
        best = min((name for name in names if name not in ("nothing", "distil")), key=table.mean)
        if "distil" in names:
            lead = 0.0 if by_trust or self.effort == "thorough" else HEAD_START
            if table.mean("distil") < (1 - lead) * table.mean(best):
                best = "distil"
        t, bar = table.t(best), PROVEN_T if proven else UNPROVEN_T
        reason = (
            f"{_evidence_of_noise(found)}; {best} changes the {what} by "
            f"{100 * (table.relative(best) - 1):+.1f} % ({t:+.1f} standard errors, "
            f"{-bar} to act)"
        )
        if not t < -bar:
            return "nothing", reason, table
        act = best if proven or by_trust or not own.is_central else "relabel"
        return act, reason, table

    def _held_out(self, case, names):
        """Held-out predictions of all rows by name of the treatment."""
        evidence, seed = case.evidence, self._seed()
        # other folds than the committee's
        fold_seed = None if seed is None else (seed + 1) % (2**31 - 1)
        [splits] = evidence.splits(N_FOLDS, random_state=fold_seed)
        if self.effort == "thorough":
            parts = [self._part(case, train) for train, _ in splits]
            treated = {name: [part[name] for part in parts] for name in names}
        else:
            candidates = self._candidates(case)
            treated = {name: candidates[name]() for name in names}
        answers = held_out(
            self.estimator,
            evidence,
            treated,
            splits,
            _predict,
            random_state=fold_seed,
            n_jobs=self.n_jobs,
        )
        return {name: assemble(each, splits, evidence.n_rows) for name, each in answers.items()}

    def _part(self, case, train):
        """All treatments of a training part by what is found in it alone."""
        part = part_of(case.evidence, train)
        found = clone(case.detector)
        own = self._case(part, found._conclude(part, found._find(part)))
        suspected = np.where(part.trusted, 0.0, found.conditional_proba_)
        own = replace(own, noise_proba=suspected, noise_mask=suspected > 0.5)
        n = case.evidence.n_rows
        return {name: from_part(make(), train, n) for name, make in self._candidates(own).items()}

    def _trace(self):
        done = {
            "nothing": "kept",
            "filter": np.where(self.noise_mask_, "dropped", "kept"),
            "reweight": np.where(self.noise_mask_, "weighed down", "kept"),
        }.get(self.treatment_, np.where(self.noise_mask_, "relabelled", "kept"))
        return {"treatment": done, "treated": self.y_treated_}


class _Table:
    """Held-out losses of candidates, compared."""

    def __init__(self, losses, weight):
        self.losses, self.weight = losses, weight

    def mean(self, name):
        loss = self.losses[name]
        return compare(loss, np.zeros(len(loss)), self.weight)[0]

    def t(self, name):
        return compare(self.losses[name], self.losses["nothing"], self.weight)[1]

    def relative(self, name):
        nothing = self.mean("nothing")
        return self.mean(name) / nothing if nothing > 0 else 1.0


def _selection(table):
    columns = ["loss", "relative", "t"]
    names = [] if table is None else list(table.losses)
    rows = [[table.mean(name), table.relative(name), table.t(name)] for name in names]
    return pd.DataFrame(rows, index=pd.Index(names, name="treatment"), columns=columns, dtype=float)


def _why_nobody(case):
    if case.evidence.n_rows < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows: nothing to judge by"
    if np.ptp(case.target.y.astype(float)) == 0:
        return "y is constant: nothing to judge by"
    return "no row is more likely wrong than right"


def _evidence_of_noise(found):
    if np.isinf(found.price_):
        return "noise cannot be proven (too many targets are the same)"
    proven = "noise is proven" if found.gain_ > found.price_ else "noise is not proven"
    return f"{proven} (log likelihood {found.gain_:+.1f}, {found.price_:.1f} needed)"


def _predict(model, X, rows):
    return number_response(model, X, rows)[1]
