"""A regressor that finds out for itself what to do about wrong targets."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import huber
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils._param_validation import HasMethods, StrOptions

from sknoisy._evidence import weight_parameter
from sknoisy._evidence._fitting import IsModel
from sknoisy._evidence._knowledge import LEVEL, no_more_than_chance
from sknoisy._evidence._own_loss import own_loss
from sknoisy._evidence._responses import number_response
from sknoisy._evidence.numbers._wild import MAD_TO_SD
from sknoisy._typing import Array, Estimator, MemoryLike, RandomStateLike
from sknoisy.detection.committees._number_committee import MIN_ROWS, NumberCommittee
from sknoisy.robust._default_model import DefaultModel
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
MOST_T = 1.0  # standard errors by which the agreement with the targets as given may be worse
BEND = 2.0  # usual residuals, from which Huber's loss is linear
UNKNOWN = f"{no_more_than_chance(is_labels=False)}: nothing to judge by"


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
      `effort="thorough"`). Neither the lowest nor filtering may agree with the targets as given
      worse than doing nothing by 1 standard error, in squared error after the best line: errors
      that no feature foretells leave the expected target a line of the right one, and rows that
      are right, if called wrong, are missed where they are left out.
    - *Not proven*: targets are relabelled, or filtered where relabelling agrees less with them,
      only if filtering lowers the error against the targets as given: Huber's loss by 2.5 standard
      errors, and the squared error by 1. If nothing is wrong, this error is the true one.
    - *Wild numbers* (`NumberCommittee.wild_`) are acted on by themselves, as proven noise, where no
      other is; they count in no error against the targets as given.
    - *Predictions of the committee that know no more of y than its mean* (a test of the correlation
      of ranks, 4 %): nothing is done.
    - *At least 50 rows are trusted*: by the squared error in those rows, held out; all treatments
      compete, and must beat doing nothing by 1 standard error, or 2.5 if noise is not proven.

    Number of fits. A round of the committee is 5 kernel machines, 5 boosting, 5 linear and 5
    neighbour models on 4/5 of the rows and 3 forests out of bag. Of the wrapped model there is
    one last fit, and to choose, on 2/3 of the rows: none when no row is suspect, 9 when noise is
    not proven, else 12 (15 with reweighting); 6 for a quantile other than the median:

    ============  ========================================  =======================
    effort        committee                                 wrapped model
    ============  ========================================  =======================
    "fast"        1 round                                   1 (relabel, if proven)
    "balanced"    1 round, 2 where there are suspects       1, 10 or 13
    "thorough"    the same, and again for each of 3 folds   1, 10 or 13, or 16 with
                                                            reweighting
    ============  ========================================  =======================

    Parameters
    ----------
    estimator : estimator object, default=None
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one. None
        means `HistGradientBoostingRegressor()`, for a DataFrame behind an encoder.
    effort : {"fast", "balanced", "thorough"}, default="balanced"
        "fast": one round of the committee; relabel when noise is proven, else nothing; no
        treatment is tried out or checked, and trusted rows only inform the committee. "balanced":
        as above. "thorough": suspects are found anew in each training part, so that no treatment
        has seen the rows it is judged by.
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

    treatment_: str
    reason_: str
    selection_: pd.DataFrame
    noise_rate_: float
    committee_: dict[str, float]
    y_treated_: Array

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        effort: Literal["fast", "balanced", "thorough"] = "balanced",
        weight_strategy: Literal["native", "resample"] = "native",
        memory: MemoryLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
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
        found, trusted, own = case.detector, case.evidence.trusted, own_loss(self.estimator)
        by_law, wild = found.gain_ > found.price_, found.wild_ & ~trusted
        proven = by_law or wild.any()
        # what would be treated with, if anything is done
        suspected = np.where(trusted, 0.0, found.conditional_proba_)
        if wild.any() and not by_law:
            suspected = wild.astype(float)
        suspects = replace(case, noise_proba=suspected, noise_mask=suspected > 0.5)
        table, why_nobody = None, _why_nobody(suspects)
        if why_nobody:
            name, reason = "nothing", why_nobody
        elif self.effort == "fast":
            act = "relabel" if own.is_central else "filter"
            name = act if proven else "nothing"
            reason = _evidence_of_noise(found)
        else:
            name, reason, table = self._choose(suspects, proven, own)
        treated = self._candidates(suspects, own)[name]()
        y_treated = case.target.y if treated.rows is not None else treated.y
        proba = case.noise_proba if name == "nothing" else suspected
        if why_nobody == UNKNOWN:
            proba = np.zeros(len(proba))
        unsure = ~trusted
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

    def _candidates(self, case, own):
        """Treatments by name, made when they are called; `case` has the suspects."""
        takes_weights = (
            self.weight_strategy == "resample" or weight_parameter(self.estimator) is not None
        )
        distilled = replace(case, noise_proba=np.maximum(case.noise_proba, DISTIL))
        model = self.estimator
        candidates = {
            "nothing": lambda: untreated(case),
            "filter": lambda: FilterRegressor(model)._treat(case),
        }
        if own.is_central:  # else nothing that the committee predicts is its target
            candidates |= {
                "relabel": lambda: RelabelRegressor(model)._treat(case),
                "distil": lambda: RelabelRegressor(model)._treat(distilled),
            }
        if self.effort == "thorough" and takes_weights:
            candidates["reweight"] = lambda: ReweightRegressor(model, floor=1e-3)._treat(case)
        return candidates

    def _choose(self, case, proven, own):
        """(name, reason, held-out losses by name) of the best treatment."""
        evidence, found, y = case.evidence, case.detector, case.target.y.astype(float)
        trusted, cost = evidence.trusted, own.cost
        by_trust = trusted.sum() >= LEAST_TRUSTED
        names = list(self._candidates(case, own))
        if not proven and not by_trust:
            names = [name for name in names if name in ("nothing", "filter", "relabel")]
        predicted = self._held_out(case, names, own)

        def losses(loss):
            return _Table({name: loss(g) for name, g in predicted.items()}, case.sample_weight)

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
        best = "filter"
        if proven or by_trust:
            best = min(
                (name for name in names if name not in ("nothing", "distil")), key=table.mean
            )
        if "distil" in names:
            lead = 0.0 if by_trust or self.effort == "thorough" else HEAD_START
            if table.mean("distil") < (1 - lead) * table.mean(best):
                best = "distil"
        t, bar = table.t(best), UNPROVEN_T if by_trust and not proven else PROVEN_T
        reason = (
            f"{_evidence_of_noise(found)}; {best} changes the {what} by "
            f"{100 * (table.relative(best) - 1):+.1f} % ({t:+.1f} standard errors, "
            f"{-bar} to act)"
        )
        if not t < -bar:
            return "nothing", reason, table
        # a quantile of all targets is nothing that the right ones alone could agree with
        if by_trust or (proven and not own.is_central):
            return best, reason, table
        # the posterior may be wrong, and a squared error is what a few numbers make of it
        said, agreement = self._agreement(case, predicted, proven, own)
        # what features tell of the rows called wrong is seen where these are left out
        judge = max({"filter", best}, key=agreement.t)
        t, bar = agreement.t(judge), MOST_T if proven else -UNPROVEN_T
        reason += (
            f"; {judge} changes the {said} by "
            f"{100 * (agreement.relative(judge) - 1):+.1f} % ({t:+.1f}, {bar:+} to act)"
        )
        if not t < bar:
            return "nothing", reason, table
        if not proven and "relabel" in names and agreement.t("relabel") < 0:
            return "relabel", f"{reason}; relabelling keeps the rows", table
        return best, reason, table

    def _agreement(self, case, predicted, proven, own):
        """(name, table) of a loss against the targets as given that wild numbers do not rule.

        - *Noise is proven*: the squared error after the best line. Errors that features do not
          foretell, shuffled values and misplaced points among them, leave the expected number a
          line of the right one, so that who knows the right one better agrees better. If what is
          called wrong is right, who has seen it does.
        - *Not proven*: Huber's loss. If errors have heavy tails, the squared error is theirs.
        """
        y, tame = case.target.y.astype(float), ~case.detector.wild_
        given = "against the targets as given"
        if not own.is_central:
            name, cost = own.name, lambda g: own.cost(y, g)
        elif proven:
            name, cost = "squared error after the best line", lambda g: _off_the_line(y, g, tame)
        else:
            away = y - predicted["nothing"]
            bend = BEND * MAD_TO_SD * np.median(np.abs(away - np.median(away)))
            name, cost = "Huber loss", lambda g: huber(bend, y - g)
        losses = {who: np.where(tame, cost(g), np.nan) for who, g in predicted.items()}
        return f"{name} {given}", _Table(losses, case.sample_weight)

    def _held_out(self, case, names, own):
        """Held-out predictions of all rows by name of the treatment."""
        evidence, seed = case.evidence, self._seed()
        # other folds than the committee's
        fold_seed = None if seed is None else (seed + 1) % (2**31 - 1)
        [splits] = evidence.splits(N_FOLDS, random_state=fold_seed)
        if self.effort == "thorough":
            parts = [self._part(case, train, own) for train, _ in splits]
            treated = {name: [part[name] for part in parts] for name in names}
        else:
            candidates = self._candidates(case, own)
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

    def _part(self, case, train, own):
        """All treatments of a training part by what is found in it alone."""
        part = part_of(case.evidence, train)
        found = clone(case.detector)
        part_case = self._case(part, found._conclude(part, found._find(part)))
        suspected = np.where(part.trusted, 0.0, found.conditional_proba_)
        part_case = replace(part_case, noise_proba=suspected, noise_mask=suspected > 0.5)
        n, made = case.evidence.n_rows, self._candidates(part_case, own)
        return {name: from_part(make(), train, n) for name, make in made.items()}

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


def _off_the_line(y, g, tame):
    """Squared errors of y about its regression on g, which is made where `tame`."""
    columns = np.column_stack([np.ones(len(y)), g])
    return (y - columns @ np.linalg.lstsq(columns[tame], y[tame], rcond=None)[0]) ** 2


def _why_nobody(case):
    y = case.target.y.astype(float)
    if case.evidence.n_rows < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows: nothing to judge by"
    if np.ptp(y) == 0:
        return "y is constant: nothing to judge by"
    if case.detector.evidence_p_value_ > LEVEL:
        return UNKNOWN
    if not case.noise_mask.any():
        return "no row is more likely wrong than right"
    return ""


def _evidence_of_noise(found):
    if np.isinf(found.price_):
        law = "noise cannot be proven (too many targets are the same)"
    else:
        proven = "noise is proven" if found.gain_ > found.price_ else "noise is not proven"
        law = f"{proven} (log likelihood {found.gain_:+.1f}, {found.price_:.1f} needed)"
    n_wild = int(found.wild_.sum())
    if not n_wild:
        return law
    many = f"{n_wild} numbers are" if n_wild > 1 else "one number is"
    return f"{many} further off than any law of right ones allows; {law}"


def _predict(model, X, rows):
    return number_response(model, X, rows)[1]
