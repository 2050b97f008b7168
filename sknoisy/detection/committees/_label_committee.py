"""Wrong labels by a committee of unlike classifiers and a model of how labels get wrong."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence._failures import warn_of_part
from sknoisy._evidence._fitting import label_free
from sknoisy._evidence._knowledge import LEVEL, chance_of_labels
from sknoisy._evidence._responses import blocks
from sknoisy._typing import Contamination, CVLike, Estimator, FloatArray, RandomStateLike
from sknoisy.detection._base import BaseDetector, Finding
from sknoisy.detection.committees._label_members import (
    ASKED_AGAIN,
    MANY_ROWS,
    Panel,
    behind_first_steps,
    committee_members,
    on_features,
)
from sknoisy.detection.committees._label_mixture import (
    Mixture,
    anchor_matrix,
    fit_mixture,
    fit_pool,
    given_label,
    log_opinions,
    pool,
    unmix,
    update_on_known,
)
from sknoisy.noise_model._bound import at_most, noise_bound

BLOCK = 8192  # rows whose tables stay near the processor
LEAST_TRUSTED = 20  # rows, to fit the pool on them alone
MAX_VALUES = 5_000  # rows times classes that the mixture is fitted on
OWN_FOLDS = 3  # of the wrapped model where it is asked
LITTLE = 0.02  # bound on the noise below which neither a round nor the wrapped model is added


class LabelCommittee(BaseDetector):
    """Wrong labels by a committee of unlike models, whatever the wrapped model is.

    1. *Committee.* Unlike classifiers judge each row out of sample: a random forest and extra
       trees, a linear model, small regularised boosting, the nearest rows.
    2. *Pool.* Their log probabilities are added with exponents >= 0, fitted by likelihood, which
       say at once who is worth listening to and how sure they may be.
    3. *Transition matrix.* What labels do the rows have that are surest of a class (anchors)? And
       which matrix, behind which pool, makes all given labels likeliest (EM)? Both answers count
       the same, the first as pseudo-rows of the second.
    4. *Posterior.* The pool's P(true | x) and the matrix give P(true | x, given label). The mean
       of two versions is used: without class priors of the pool's own, and with them but the given
       label counted at half strength.
    5. *Bound.* Classes that overlap look like noise, but overlap dies out where predictions are
       surest. The odds of a wrong label are lowered, by one factor for all rows, to what is left
       there (`noise_bound_` plus a standard error; not with twenty or more trusted rows).

    Trusted rows are right: they are no part of the matrix and count as known in the EM. Twenty or
    more of them fit the pool anew, starting from there, with a shift for each class that the pool
    expects (noise that features predict is learnt by every member, and only trusted rows show it).
    The matrix follows from the other rows, and the posterior is that of step 4 without the mean.

    Number of fits: 2 forests out of bag, 5 linear and 5 boosting fits on 4/5 of the rows, and a
    neighbour search; each further round, a forest out of bag and 5 boosting fits (with `cv`: that
    many in place of 5; with groups the forests too). `estimator` is not fitted, unless
    `ask_estimator`; only the earlier steps of a Pipeline are, once. Rounds stop when there is next
    to no noise by the bound (2 %), or nothing is known.

    Parameters
    ----------
    estimator : estimator object, default=None
        The classifier whose view of X the committee shares: when it is a Pipeline, its steps
        before the last encode X, save those that select features by the labels. None means the one
        a treatment wraps. Otherwise numbers are taken as they are, columns of a DataFrame are
        encoded (missing numbers: median and an indicator; texts: one-hot), texts become TF-IDF;
        missing values in an array are treated as those of a DataFrame if `estimator` takes them,
        or is None, else they are an error. Where X cannot become numbers, the committee is
        `estimator` alone, with a warning.
    members : {"auto", "few"} or list of (str, estimator), default="auto"
        "auto": the five above; for sparse features the linear model, nearest rows by cosine, naive
        Bayes (if nothing is negative), and extra trees on 64 principal directions. "few": forest
        (of 80 trees), linear and neighbours. Or your own classifiers, which see the encoded X;
        forests and bagging that bootstrap are judged out of bag.
    n_rounds : int >= 1, default=1
        Further rounds correct the labels that a forest and boosting (or your own members) learn
        from: somewhat better ranked and calibrated, rare classes above all, and half as dear again.
        For sparse features, and with more than 5,000 rows, there is one round.
    ask_estimator : bool, default=False
        Whether `estimator` itself judges as well, out of sample, where there may be noise: in 3
        fits on two thirds of the rows (more than 5,000 rows: in 1, and in 2 more if it is the
        better judge). It joins the committee if it agrees more with the given labels than the
        pool does, by more than one standard error.
    contamination : {"auto"}, float in [0, 0.5] or threshold object, default="auto"
        How many rows are suspect. "auto": those more likely wrong than right.
    cv : int, splitter, iterable of (train, test) or None, default=None
        Folds of the members that are cross-fitted; None means 5, stratified (3 with more than
        5,000 rows). A splitter or iterable is used for forests too.
    n_jobs : int or None, default=None
        Fits (trees) at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds folds and members.

    Attributes
    ----------
    noise_score_, noise_proba_ : ndarray of shape (n,)
        Probability that the given label is wrong. The score is NaN for a row that is not judged:
        the sole member of a class, or all rows when there is one class only.
    noise_mask_ : ndarray of shape (n,) of bool
        Flagged rows.
    y_suggested_ : ndarray of shape (n,)
        The likeliest label; for a flagged row the likeliest other one.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label, given the row and its label.
    class_proba_ : ndarray of shape (n, K)
        The pool of the first round, fitted to the given labels: out-of-sample probabilities of the
        *given* label.
    clean_proba_ : ndarray of shape (n, K)
        Out-of-sample probabilities of the *true* label, the given one unseen.
    transition_matrix_ : ndarray of shape (K, K)
        P(given label | true label), the true one in the rows.
    noise_rate_ : float
        Estimated share of wrong labels among the rows that are not trusted.
    noise_bound_ : float
        Share of wrong labels that the surest rows allow: of the rows predicted as a class, what the
        surest tenth has of other labels, less what that falls from the surest quarter on.
    evidence_p_value_ : float
        Of a mean of the members that would know no more of the given labels than their shares.
    unknown_classes_ : ndarray
        Classes of which it knows no more than the share: no row given one of them is called wrong.
    estimator_proba_ : ndarray of shape (n, K)
        With `ask_estimator`: what `estimator` says out of sample; NaN where it was not asked.
    estimator_folds_ : list of (train rows, test rows)
        The folds of that.
    committee_ : dict of str to float
        Members and their weights: exponents in the pool, over their sum.
    classes_ : ndarray of shape (K,)
        All classes of y.
    sample_indices_ : ndarray
        Rows that `fit_resample` keeps.

    See Also
    --------
    ConfidentLearning : One model's probabilities, counted.
    Consensus : Models vote.

    Notes
    -----
    Rows weigh by `sample_weight` everywhere here: in the fits, the pool and the matrix.

    More than 5,000 rows: 3 folds in place of 5, no extra trees (unless X is sparse), forests have
    30 trees in place of 150, and each sees 2,500 rows; neighbours are looked for among 3,000;
    forests and neighbours use as many threads as OpenMP has, unless `n_jobs` is given. The mixture
    is fitted on at most 5,000 / K rows (2,500 at least). More than 60 columns: boosting sees 32
    principal components; more than 300: the linear model sees 64. More than 30 classes: no
    boosting.

    What it cannot do: tell labels that are wrong near class boundaries from classes that overlap
    there. The noise rate is underestimated then, by about two thirds where that was tried. And
    noise that features predict everywhere looks like the truth to any committee.

    References
    ----------
    C. E. Brodley, M. A. Friedl: "Identifying mislabeled training data", Journal of Artificial
    Intelligence Research 11, 1999 (committees of unlike models, out of sample; here weighted).

    S. Reed, H. Lee, D. Anguelov, C. Szegedy, D. Erhan, A. Rabinovich: "Training deep neural
    networks on noisy labels with bootstrapping", ICLR workshop, 2015 (learning from labels
    corrected so far: the further rounds; here hard labels, out of sample).

    C. Genest, J. V. Zidek: "Combining probability distributions: a critique and an annotated
    bibliography", Statistical Science 1, 1986; G. E. Hinton: "Training products of experts by
    minimizing contrastive divergence", Neural Computation 14, 2002 (logarithmic pools; here with
    exponents fitted to the noisy labels).

    G. Patrini, A. Rozza, A. Menon, R. Nock, L. Qu: "Making deep neural networks robust to label
    noise: a loss correction approach", CVPR, 2017; T. Liu, D. Tao: "Classification with noisy
    labels by importance reweighting", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 38, 2016 (anchors; here the mean of many, out of sample, as a prior only).

    A. P. Dawid, A. M. Skene: "Maximum likelihood estimation of observer error-rates using the EM
    algorithm", Applied Statistics 28, 1979 (EM for a transition matrix; there of several
    annotators and without features); J. Bootkrajang, A. Kaban: "Label-noise robust logistic
    regression and its applications", ECML PKDD, 2012 (with features; here the pool is the
    regression).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.detection import LabelCommittee
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = symmetric_noise(y, rate=0.2, random_state=0)
    >>> detector = LabelCommittee(members="few", random_state=0).fit(X, y_noisy)
    >>> bool(wrong[detector.noise_mask_].mean() > 0.8)
    True
    >>> detector.transition_matrix_.shape
    (3, 3)
    """

    _task = "classification"
    _assumes = "how often a label is wrong depends on the classes, not on the features"
    _suggests_unseen = True
    _parameter_constraints: dict = {
        **BaseDetector._parameter_constraints,
        "members": [StrOptions({"auto", "few"}), list],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "ask_estimator": ["boolean"],
    }

    class_proba_: FloatArray
    clean_proba_: FloatArray
    transition_matrix_: FloatArray
    noise_rate_: float
    noise_bound_: float
    estimator_proba_: FloatArray
    estimator_folds_: list[Any]
    committee_: dict[str, float]

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        members: Literal["auto", "few"] | list[tuple[str, Any]] = "auto",
        n_rounds: int = 1,
        ask_estimator: bool = False,
        contamination: Contamination = "auto",
        cv: CVLike | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.members = members
        self.n_rounds = n_rounds
        self.ask_estimator = ask_estimator
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ the method

    def _find(self, evidence):
        if self.estimator is not None:
            self._model(evidence)  # for its checks
        n_classes = len(evidence.target.classes)
        if n_classes < 2 or np.bincount(evidence.target.codes).max() < 2:
            return _nothing(evidence.n_rows, n_classes)
        panel = self._panel(evidence)
        probas = panel.ask()
        if evidence.n_rows > MANY_ROWS:  # there will be no further round
            panel.evidence = None
            evidence.forget("features")  # fits of others who share the evidence stay
        judged = np.any([~np.isnan(proba).any(axis=1) for proba in probas.values()], axis=0)
        if not judged.any():  # nothing but sole members of classes
            return _nothing(evidence.n_rows, n_classes)
        first = self._judge(evidence, probas, judged)
        limits = _limits(first, evidence, judged)
        folds, own = [], np.full((evidence.n_rows, n_classes), np.nan)
        if self.ask_estimator and self.estimator is not None and limits.may_be_noise:
            folds, own, better = self._own_opinion(evidence, first, panel.random_state)
            if better:
                probas["estimator"] = own
                first = self._judge(evidence, probas, judged)
                limits = _limits(first, evidence, judged)
        # What comes of corrected labels cannot show whether anything is known of them, nor how much
        # of it is noise: a row's label has a say in those of its neighbours, and so in what is said
        # of the row.
        again = limits.is_known and limits.may_be_noise and evidence.n_rows <= MANY_ROWS
        rounds = [first]
        for _ in range(1, self.n_rounds if again else 1):
            opinions = panel.ask_again(np.mean([found.label_proba for found in rounds], axis=0))
            if not opinions:
                break
            rounds.append(self._judge(evidence, probas | opinions, judged))
        found = _mean(rounds, evidence.target.codes)
        found.attributes |= {"estimator_proba_": own, "estimator_folds_": folds}
        return _bounded(found, limits, evidence, judged)

    def _own_opinion(self, evidence, first, rng):
        """(folds, out-of-sample probabilities by the estimator, whether it is the better judge).

        With many rows one fold decides whether the others are worth their fits.
        """
        codes, seed = evidence.target.codes, int(rng.randint(2**31 - 1))
        many = evidence.n_rows > MANY_ROWS
        [folds] = evidence.splits(self.cv or OWN_FOLDS, random_state=seed)
        how = {"random_state": seed, "n_jobs": self.n_jobs}
        try:
            own = evidence.responses(self.estimator, cv=folds[:1] if many else folds, **how).values
        except Exception as error:
            consequence = "and has no say in which of them are wrong"
            warn_of_part(error, self.estimator, consequence, stacklevel=5)
            return [], np.full((evidence.n_rows, len(evidence.target.classes)), np.nan), False
        better = _is_better(own, first.attributes["class_proba_"], codes)
        if many and better:
            rest = evidence.responses(self.estimator, cv=folds[1:], **how).values
            own = np.where(np.isnan(own), rest, own)
        return folds, own, better

    def _judge(self, evidence, probas, judged):
        """What follows from the members' probabilities of the rows that are `judged`."""
        codes, n_classes = evidence.target.codes, len(evidence.target.classes)
        weight = evidence.inputs.sample_weight
        weight = np.ones(len(codes)) if weight is None else weight / weight.mean()
        opinions = list(probas.values())
        believed, plain, biased = self._mixtures(opinions, codes, weight, judged, evidence.trusted)
        by_halves = evidence.trusted.sum() < LEAST_TRUSTED
        clean, label_proba, class_proba = np.full((3, len(codes), n_classes), np.nan)
        wrong = np.full(len(codes), np.nan)
        for block in blocks(class_proba):  # no array has all opinions of all rows
            rows = block.start + np.flatnonzero(judged[block])
            logs, given = log_opinions([proba[rows] for proba in opinions]), codes[rows]
            clean[rows] = biased.clean_proba(logs)
            class_proba[rows] = pool(logs, *believed)
            posterior = given_label(clean[rows], biased.transition, given)
            wrong[rows] = 1.0 - posterior[np.arange(len(rows)), given]
            if by_halves:
                halfway = given_label(clean[rows], np.sqrt(biased.transition), given)
                posterior = 0.5 * (plain.posterior(logs, given) + halfway)
            label_proba[rows] = posterior
        sure = evidence.trusted & judged
        clean[sure] = label_proba[sure] = np.eye(n_classes)[codes[sure]]
        unsure = judged & ~evidence.trusted & (weight > 0)
        rate = 0.0
        if unsure.any():
            rate = np.average(wrong[unsure], weights=weight[unsure])
        # the weights of the pool are fitted to the given labels, so it may not be asked
        plain_mean = _mean_opinion(opinions)
        return Finding(
            score=1.0 - label_proba[np.arange(len(codes)), codes],
            suggestion=class_proba,
            label_proba=label_proba,
            known_by=plain_mean,
            attributes={
                "class_proba_": class_proba,
                "clean_proba_": clean,
                "transition_matrix_": biased.transition,
                "noise_rate_": float(rate),
                "committee_": _shares(probas, biased.skill),
            },
        )

    def _panel(self, evidence):
        """Who judges, on which features, and which rows each has not seen."""
        rng = check_random_state(self.random_state)
        n_classes = len(evidence.target.classes)

        def usual(features):
            return committee_members(features, n_classes, self.members)

        if isinstance(self.members, str) and label_free(self.estimator) is not self.estimator:
            numbers = evidence.without_fit_params()
            members = behind_first_steps(usual, self.estimator, numbers)
        elif (numbers := on_features(self.estimator, evidence)) is None:
            numbers, members = evidence, [("estimator", self.estimator)]
        elif isinstance(self.members, str):
            members = usual(numbers.inputs.X)
        else:
            members = [(name, model) for name, model in self.members]
        own = not isinstance(self.members, str)
        again = [(name, model) for name, model in members if own or name in ASKED_AGAIN]
        is_count = self.cv is None or isinstance(self.cv, Integral)
        folds = 3 if self.cv is None and evidence.n_rows > MANY_ROWS else self.cv
        [splits] = evidence.splits(folds, random_state=rng)
        return Panel(members, again, numbers, splits, is_count, self.n_jobs, rng)

    def _mixtures(self, opinions, codes, weight, judged, trusted):
        """The pool of the given labels, and the noise model without and with a bias of the pool."""
        n_classes = opinions[0].shape[1]
        most = max(2_500, MAX_VALUES // n_classes)
        rows = np.flatnonzero(judged & (weight > 0))
        if len(rows) == 0:  # every row that can be judged has weight zero
            rows, weight = np.flatnonzero(judged), np.ones(len(weight))
        if len(rows) > most:
            rows = np.sort(np.random.RandomState(0).permutation(rows)[:most])
        logs = log_opinions([proba[rows] for proba in opinions])
        codes, weight, known = codes[rows], weight[rows], trusted[rows]
        given = np.eye(n_classes)[codes]
        believed = fit_pool(logs, given, weight=weight, fit_bias=False)
        proba = pool(logs, *believed)
        counted = weight * ~known  # what is known to be right says nothing of how labels go wrong
        if not counted.any():
            sure = Mixture(*believed, np.eye(n_classes))
            return believed, sure, sure
        anchors = anchor_matrix(proba, counted)
        # as many pseudo-rows as a class has rows: the anchors count as much as the likelihood
        size = (unmix(proba, anchors) * counted[:, None]).sum(axis=0)
        prior = size[:, None] * anchors
        how = {"weight": weight, "known": known}
        plain = fit_mixture(logs, codes, anchors, prior, fit_bias=False, **how)
        biased = fit_mixture(logs, codes, anchors, prior, **how)
        if known.sum() >= LEAST_TRUSTED:
            biased = update_on_known(biased, logs, codes, **how)
        return believed, plain, biased

    def _reason(self, row):
        proba, given = self.label_proba_[row], self._target.codes[row]
        best = int(np.argmax(proba))
        if best == given:
            return f"the committee says {self.classes_[given]} (p={proba[given]:.2f}), as given"
        return (
            f"the committee says {self.classes_[best]} (p={proba[best]:.2f}), "
            f"not {self.classes_[given]} (p={proba[given]:.2f})"
        )


def _mean(rounds, codes):
    """The findings of all rounds as one: means of P(true), the rest from the last."""
    found = rounds[-1]
    if len(rounds) > 1:
        clean = [one.attributes["clean_proba_"] for one in rounds]
        found.label_proba = np.mean([one.label_proba for one in rounds], axis=0)
        found.score = 1.0 - found.label_proba[np.arange(len(codes)), codes]
        found.attributes["clean_proba_"] = np.mean(clean, axis=0)
        # of the given labels the first alone has said something without having seen them
        found.suggestion = found.attributes["class_proba_"] = rounds[0].attributes["class_proba_"]
        found.known_by = rounds[0].known_by
    found.noise_proba, found.mask = found.score, found.score > 0.5
    return found


class Limits(NamedTuple):
    """What the first round lets anybody say of the labels."""

    is_known: bool  # whether the pool knows more of the given labels than their shares
    bound: float  # on the share of wrong ones
    error: float  # of the bound

    @property
    def may_be_noise(self):
        return not self.is_known or self.bound + self.error >= LITTLE


def _limits(found, evidence, judged):
    codes, weight = evidence.target.codes, evidence.inputs.sample_weight
    weight = np.ones(len(codes)) if weight is None else weight / weight.mean()
    proba, counted = found.attributes["class_proba_"], weight > 0
    unsure = judged & ~evidence.trusted & counted
    bound = (0.0, 0.0)
    if unsure.any():
        bound = noise_bound(proba[unsure], codes[unsure], weight[unsure])
    chance = chance_of_labels(found.known_by[counted], codes[counted])
    return Limits(chance <= LEVEL, *bound)


def _is_better(own, pooled, codes):
    """Whether `own` agrees more with the given labels, by more than a standard error."""
    rows = np.flatnonzero(~np.isnan(own).any(axis=1) & ~np.isnan(pooled).any(axis=1))
    if len(rows) < 2:
        return False
    gain = (own[rows].argmax(axis=1) == codes[rows]).astype(float)
    gain -= pooled[rows].argmax(axis=1) == codes[rows]
    return bool(gain.mean() > gain.std() / np.sqrt(len(rows)))


def _bounded(found, limits, evidence, judged):
    """`found` with no more noise than the surest rows of the first round allow, within chance."""
    codes, rows = evidence.target.codes, judged & ~evidence.trusted
    weight = evidence.inputs.sample_weight
    weight = np.ones(len(codes)) if weight is None else weight
    found.attributes["noise_bound_"] = limits.bound
    # many trusted rows show noise that is none to who sees features and given labels only
    if not limits.is_known:
        found.attributes["noise_rate_"] = 0.0
    elif evidence.trusted.sum() < LEAST_TRUSTED and weight[rows].any():
        found.label_proba[rows] = at_most(
            found.label_proba[rows], codes[rows], limits.bound + limits.error, weight[rows]
        )
        wrong = 1.0 - found.label_proba[np.arange(len(codes)), codes]
        found.noise_proba, found.mask = wrong, wrong > 0.5
        rate = np.average(wrong[rows], weights=weight[rows])
        found.attributes["noise_rate_"] = min(float(rate), found.attributes["noise_rate_"])
    return found


def _mean_opinion(probas):
    """(n, K) mean of those members that judge a row, in blocks: no array has all opinions."""
    mean = np.empty(probas[0].shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        for rows in blocks(mean):
            mean[rows] = np.nanmean([proba[rows] for proba in probas], axis=0)
    return mean


def _shares(probas, skill):
    total = skill.sum()
    share = skill / total if total > 0 else np.full(len(skill), 1.0 / len(skill))
    return dict(zip(probas, share.tolist(), strict=True))


def _nothing(n, n_classes):
    """The finding when nobody can judge."""
    unknown = np.full((n, n_classes), np.nan)
    return Finding(
        score=np.full(n, np.nan),
        suggestion=unknown,
        noise_proba=np.zeros(n),
        mask=np.zeros(n, dtype=bool),
        label_proba=unknown,
        attributes={
            "class_proba_": unknown,
            "clean_proba_": unknown,
            "transition_matrix_": np.eye(n_classes),
            "noise_rate_": 0.0,
            "noise_bound_": 0.0,
            "committee_": {},
            "estimator_proba_": unknown,
            "estimator_folds_": [],
        },
    )
