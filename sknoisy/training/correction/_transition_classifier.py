"""Any classifier, corrected for label noise by a transition matrix."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._evidence import fit_model, take_rows
from sknoisy._evidence._fitting import (
    IsModel,
    asked_by,
    check_takes_weights,
    seeded_clone,
    take_params,
)
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._soft_fit import SoftRows
from sknoisy._typing import (
    Array,
    ArrayLike,
    CVLike,
    Estimator,
    FloatArray,
    MatrixLike,
    RandomStateLike,
)
from sknoisy._wrapper import WrappedClassifier
from sknoisy.noise_model import AnchorTransition, RegionTransition
from sknoisy.noise_model._confident_joint import unmixed
from sknoisy.noise_model._transition import BaseTransition, check_transition, true_frequency
from sknoisy.training._base import open_evidence

STEPS = 10  # from P(given | x) to P(true | x): further ones make nearly all of them zero or one
LEAST_WEIGHT = 1e-3  # so that no class vanishes
LARGEST_INVERSE = 1e3  # entries of an inverse matrix beyond which it says nothing


class TransitionClassifier(WrappedClassifier):
    """Classifier of true labels, learnt from given ones and their transition matrix.

    If it is known how often which class is given for which, P(given | x) and P(true | x) follow
    from one another. Three ways to make use of it, for any classifier that takes weights:

    - "forward": the model is to say P(true | x), and ``sum_i P(true=i | x) T_ij`` is to explain the
      given labels. That likelihood is made large by expectation-maximisation: each row gets the
      posterior ``P(true=i | x) T_iy`` (rescaled) as its soft label, the model is fitted to soft
      labels, and what it says of rows it has not seen makes the next posterior.
    - "backward": the loss of a row is replaced by a mixture of the losses of all labels that has
      the right mean: the weights are row y of the inverse of T, of which some are negative. See
      `negative_weights`.
    - "importance": a row keeps its label, and its weight is P(true=y | x) / P(given=y | x).

    `predict` and `predict_proba` are of the true label. Where no label is wrong by the matrix, this
    is the plain model exactly. What can be won depends on the noise: where one class is often taken
    for another, nearly all that is lost; where noise is even among the classes, it leaves the
    likeliest class the likeliest, and only what a model loses by learning single labels by heart
    can be won (see `sknoisy.noise_model.correction_outlook`).

    Number of fits: `cv` (5, or 1 for a forest or bagging, which is judged out of bag) plus 1;
    "forward": `cv` more for each of `n_rounds`. Those of an estimator of the matrix come on top,
    unless it asks for the same predictions, as "auto" does.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    transition : "auto", array-like of shape (K, K) or estimator object, default="auto"
        Entry (i, j) is P(given label = j | true label = i), in the order of the sorted classes; a
        DataFrame names them in index and columns. An estimator of `sknoisy.noise_model` is fitted
        to the same rows; a fitted one in `sklearn.frozen.FrozenEstimator` is used as it is. "auto"
        means `AnchorTransition(n_resamples=0)`; a `RegionTransition` corrects each row by the
        matrix of its region. Where classes overlap even in the rows that are
        surest, an estimate takes some of it for noise.
    method : {"forward", "backward", "importance"}, default="forward"
        How the matrix is used; see above.
    n_rounds : int >= 0, default=1
        For "forward": how many times posteriors are made anew by what models say that were fitted
        to the last ones. 0: only by models of given labels, which is cheaper, and as good where
        models have many parameters (boosting). Those of few gain from more: on made data of 10 000
        rows with even noise, logistic regression won back half of what was lost after 1 round, and
        nine tenths after 8.
    negative_weights : {"average", "pass"}, default="average"
        For "backward". Most models refuse negative weights, or fail on them, and cutting them off
        row by row leaves the given label, so: "average" replaces row y of the inverse by its mean
        over the given labels of such a row, ``P(given | x)`` times the inverse, by models that have
        not seen it; what is still negative is cut off. "pass" hands them to the model, which must
        be one of a loss that is linear in the labels (`LogisticRegression` of a solver other than
        liblinear, or `SGDClassifier` of log loss).
    cv : int, splitter, iterable or None, default=None
        Folds of the out-of-sample probabilities. None means out-of-bag where the estimator can,
        else 5 stratified folds; an int always means folds.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Fold fits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds and every `random_state` that `estimator` or `transition` leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, fitted to what the method makes of the labels.
    transition_ : ndarray of shape (K, K)
        The matrix that was used; with regions that of all rows, those of the regions being in
        `transition_estimator_`.
    transition_estimator_ : estimator object or None
        The one that found it, fitted.
    class_prior_ : ndarray of shape (K,)
        Frequencies of the true classes.
    label_proba_ : ndarray of shape (n, K)
        Posterior of the true label of each training row, given the row and its label. With
        "backward" without the row's own label.
    noise_proba_ : ndarray of shape (n,)
        Probability that the label of a training row is wrong.
    sample_weight_ : ndarray of shape (n,)
        With "importance": the weight of each row, not counting that given to `fit`.
    classes_ : ndarray of shape (K,)
        All classes of y.
    n_features_in_ : int
        Number of features seen in `fit`, when the wrapped model counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, when the wrapped model keeps them.

    See Also
    --------
    sknoisy.training.correction.NoiseIgnorantClassifier : The comparison that corrects nothing.

    References
    ----------
    G. Patrini, A. Rozza, A. Menon, R. Nock, L. Qu: "Making deep neural networks robust to label
    noise: a loss correction approach", CVPR, 2017 (forward and backward; there by gradients of a
    network, here the same likelihood by soft labels for any model, with out-of-sample posteriors).

    T. Liu, D. Tao: "Classification with noisy labels by importance reweighting", IEEE Transactions
    on Pattern Analysis and Machine Intelligence, 2016 (of two classes; here of any number, the
    inverse being replaced by steps of expectation-maximisation in each row, which give no negative
    probability, so that a weight is at most 1 / T_yy).

    D. Hendrycks, M. Mazeika, D. Wilson, K. Gimpel: "Using trusted data to train deep networks on
    labels corrupted by severe noise", NeurIPS, 2018 (trusted rows keep their labels beside the
    corrected ones; for their matrix see `sknoisy.noise_model.TrustedTransition`).

    Examples
    --------
    Four in ten of the dogs are given as cats:

    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.datasets import transition_noise
    >>> from sknoisy.training.correction import TransitionClassifier
    >>> X, y = make_blobs(2000, centers=[[0, 0], [2, 0]], random_state=0)
    >>> y = np.array(["cat", "dog"])[y]
    >>> matrix = [[1.0, 0.0], [0.4, 0.6]]
    >>> y_noisy, wrong = transition_noise(y, matrix, random_state=0)
    >>> plain = LogisticRegression().fit(X, y_noisy)
    >>> model = TransitionClassifier(LogisticRegression(), matrix, random_state=0)
    >>> model.fit(X, y_noisy).score(X, y) > plain.score(X, y) + 0.05
    True
    """

    __metadata_request__fit = {"groups": True, "trusted": True}  # noqa: RUF012
    _parameter_constraints: dict = {
        "estimator": [IsModel()],
        "transition": [StrOptions({"auto"}), HasMethods(["fit"]), "array-like"],
        "method": [StrOptions({"forward", "backward", "importance"})],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "negative_weights": [StrOptions({"average", "pass"})],
        "cv": BaseTransition._parameter_constraints["cv"],
        "weight_strategy": [StrOptions({"native", "resample"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    transition_: FloatArray
    transition_estimator_: Any
    class_prior_: Array
    label_proba_: FloatArray
    noise_proba_: FloatArray
    sample_weight_: FloatArray

    def __init__(
        self,
        estimator: Estimator,
        transition: Literal["auto"] | Estimator | ArrayLike = "auto",
        *,
        method: Literal["forward", "backward", "importance"] = "forward",
        n_rounds: int = 1,
        negative_weights: Literal["average", "pass"] = "average",
        cv: CVLike | None = None,
        weight_strategy: Literal["native", "resample"] = "native",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.transition = transition
        self.method = method
        self.n_rounds = n_rounds
        self.negative_weights = negative_weights
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        trusted: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find the transition matrix, unless it was given, and fit the estimator corrected by it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, list} with n rows
            Whatever the estimator takes; it is only row-indexed here.
        y : array-like of shape (n,)
            Given labels.
        sample_weight : array-like of shape (n,), default=None
            Multiplied with any weight computed here, and passed to every fit.
        groups : array-like of shape (n,), default=None
            Rows of one group stay together in cross-fitting. So do copies, rows that are equal in
            all features, whether groups are given or not.
        trusted : array-like of shape (n,) of bool, default=None
            Rows whose label is known to be right: they keep it.
        **fit_params : dict
            Further parameters of the estimator's `fit`; those with n entries are sliced with the
            rows. With metadata routing on, they are routed.

        Returns
        -------
        self : object
        """
        evidence = open_evidence(
            self,
            X,
            y,
            "classification",
            sample_weight=sample_weight,
            groups=groups,
            trusted=trusted,
            fit_params=fit_params,
            check=self._check_weights,
        )
        target = evidence.target
        with whole_fit(self, X, y):
            transition, prior, found_by = self._find_transition(evidence)
            parts = parts_of(transition, prior, found_by, evidence.n_rows)
            rows = SoftRows.of(evidence, random_state=self._seed(), n_jobs=self.n_jobs)
            given = np.eye(len(target.classes))[target.codes]
            unchanged = all(np.array_equal(T, np.eye(len(T))) for _, T, _ in parts)
            if unchanged or evidence.trusted.all():
                label_proba, extra, model = given, {}, self._last_fit(rows, given)
                if self.method == "importance":
                    extra["sample_weight_"] = np.ones(len(given))
            else:
                correct = getattr(self, f"_{self.method}")
                label_proba, extra, model = correct(evidence, rows, given, parts)
            fitted = {
                "estimator_": model,
                "classes_": target.classes,
                "transition_": transition,
                "transition_estimator_": found_by,
                "class_prior_": prior,
                "label_proba_": label_proba,
                "noise_proba_": 1.0 - (label_proba * given).sum(axis=1),
                **extra,
            }
            fitted |= model_attributes(model)
            # Only now, when nothing can fail any more, is this object changed.
            replace_fitted(self, fitted)
        return self

    def _check_weights(self):
        why = f"method={self.method!r} needs it"
        check_takes_weights(self.estimator, self.weight_strategy, why)
        if self._passes_negative and self.weight_strategy == "resample":
            raise ValueError(
                "negative_weights='pass' cannot go with weight_strategy='resample': no row is "
                "drawn a negative number of times. Use negative_weights='average'."
            )

    # ------------------------------------------------------------------ the matrix

    @property
    def _passes_negative(self):
        return self.method == "backward" and self.negative_weights == "pass"

    def _find_transition(self, evidence):
        """(matrix, frequencies of the true classes, fitted estimator or None)."""
        classes = evidence.target.classes
        model = self.transition
        if isinstance(model, type):
            raise TypeError(f"transition is the class {model.__name__}: write {model.__name__}().")
        if isinstance(model, pd.DataFrame):
            model = self._in_order_of(classes, model)
        if isinstance(model, str):
            model = AnchorTransition(cv=self.cv, n_resamples=0)
        if not hasattr(model, "fit"):
            matrix = check_transition(model, len(classes))
            rows = ~evidence.trusted
            weight = evidence.inputs.sample_weight
            weight = None if weight is None else weight[rows]
            counts = np.bincount(evidence.target.codes[rows], weight, len(classes))
            return matrix, true_frequency(matrix, counts / max(counts.sum(), 1e-300)), None
        if evidence.trusted.all():  # nothing is left to be corrected
            return np.eye(len(classes)), np.bincount(evidence.target.codes) / evidence.n_rows, None
        model = self._fitted_transition(model, evidence)
        self._check_classes(model, classes)
        return check_transition(model.transition_, len(classes)), model.class_prior_, model

    def _in_order_of(self, classes, table):
        named = set(table.index) & set(table.columns)
        absent = [label for label in classes.tolist() if label not in named]
        if absent or len(table) != len(classes):
            raise ValueError(
                f"transition names the classes {list(table.index)} in its index and "
                f"{list(table.columns)} in its columns, and y has {classes.tolist()}."
            )
        return table.loc[classes, classes].to_numpy()

    def _fitted_transition(self, model, evidence):
        if not isinstance(model, BaseTransition):  # a frozen or foreign one
            inputs = evidence.inputs
            return clone(model).fit(inputs.X, inputs.y, **asked_by(model, **evidence.metadata))
        own = getattr(model, "estimator", None) is not None
        model = model._with_estimator(self.estimator)
        params = model.get_params(deep=False)
        for name, value in (("n_jobs", self.n_jobs), ("random_state", self._seed())):
            if name in params and params[name] is None:
                model.set_params(**{name: value})
        model._validate_params()
        # the user's fit parameters are for the wrapped model alone
        return model._fit_to(evidence.without_fit_params() if own else evidence)

    def _check_classes(self, model, classes):
        theirs = getattr(model, "classes_", classes)
        if not np.array_equal(theirs, classes):
            absent = [c for c in classes.tolist() if c not in set(np.asarray(theirs).tolist())]
            other = [c for c in np.asarray(theirs).tolist() if c not in set(classes.tolist())]
            raise ValueError(
                f"transition knows other classes than y has: {(absent or other)[0]!r} is only in "
                f"{'y' if absent else 'the matrix'}. Fit it to labels of the same classes."
            )

    # ------------------------------------------------------------------ the methods

    def _given_proba(self, evidence):
        """((n, K) P(given | x) of rows by models that have not seen them, rows that stay)."""
        how = {"cv": self.cv, "random_state": self._seed(), "n_jobs": self.n_jobs}
        if evidence.trusted.any():
            how["unseen"] = evidence.trusted
        proba = evidence.responses(self.estimator, **how).values
        return proba, evidence.trusted | np.isnan(proba).any(axis=1)

    def _true_proba(self, evidence, parts):
        """((n, K) P(true | x) by the same models, rows that stay)."""
        proba, stay = self._given_proba(evidence)
        proba = np.where(stay[:, None], 1.0 / proba.shape[1], proba)
        known = parts_known(parts, proba, evidence.target.codes, ~stay)
        return unmixed_by(known, proba), stay

    def _forward(self, evidence, rows, given, parts):
        true_proba, stay = self._true_proba(evidence, parts)
        codes = evidence.target.codes
        label_proba = by_part(label_posterior, parts, true_proba, codes)
        label_proba[stay] = given[stay]
        if self.n_rounds:
            folds = rows.folds(evidence.target.y, 5 if self.cv is None else self.cv)
        for _ in range(self.n_rounds):
            true_proba = rows.out_of_sample(self.estimator, label_proba, folds)
            known = ~stay & ~np.isnan(true_proba).any(axis=1)
            label_proba[known] = by_part(label_posterior, parts, true_proba, codes)[known]
        return label_proba, {}, self._last_fit(rows, label_proba)

    def _importance(self, evidence, rows, given, parts):
        true_proba, stay = self._true_proba(evidence, parts)
        codes = evidence.target.codes
        posterior = by_part(label_posterior, parts, true_proba, codes)
        label_proba = np.where(stay[:, None], given, posterior)
        weight = np.where(stay, 1.0, by_part(importance_weight, parts, true_proba, codes))
        weight = np.maximum(weight, LEAST_WEIGHT)
        model = self._last_fit(rows, weight[:, None] * given)
        return label_proba, {"sample_weight_": weight}, model

    def _backward(self, evidence, rows, given, parts):
        proba, stay = self._given_proba(evidence)
        shown = np.where(stay[:, None], 1.0 / proba.shape[1], proba)
        known = parts_known(parts, shown, evidence.target.codes, ~stay)
        mean = by_part(times_inverse, known, proba)
        mean = np.where(stay[:, None], given, np.maximum(mean, 0.0))
        mean /= mean.sum(axis=1, keepdims=True)
        if self.negative_weights == "average":
            return mean, {}, self._last_fit(rows, mean)
        shares = np.where(evidence.trusted[:, None], given, by_part(times_inverse, parts, given))
        with last_fit():
            return mean, {}, self._fit_to_signed(evidence, shares)

    def _last_fit(self, rows, soft):
        with last_fit():
            return rows.fit(self.estimator, soft)

    def _fit_to_signed(self, evidence, shares):
        """The model, fitted to each row once for each label, with weights that may be negative."""
        inputs, n = evidence.inputs, evidence.n_rows
        at, codes = np.nonzero(np.abs(shares) > 1e-12)
        weight = shares[at, codes]
        if inputs.sample_weight is not None:
            weight = weight * inputs.sample_weight[at]
        return fit_model(
            seeded_clone(self.estimator, self._seed()),
            take_rows(inputs.X, at),
            evidence.target.classes[codes],
            weight,
            take_params(inputs.fit_params, at, n),
            random_state=self._seed(),
        )


# ---------------------------------------------------------------------- regions


def parts_of(transition, prior, found_by, n):
    """list of (rows, transition matrix, frequencies of the true classes); one part without regions.

    What a frozen estimator knows of regions is of other rows, and its matrix of all is used.
    """
    if not isinstance(found_by, RegionTransition):
        return [(np.arange(n), transition, prior)]
    of_regions = zip(found_by.transitions_, found_by.class_priors_, strict=True)
    return [
        (np.flatnonzero(found_by.region_ == r), check_transition(T, len(T)), p)
        for r, (T, p) in enumerate(of_regions)
    ]


def by_part(formula, parts, *arrays):
    """What a formula of some arrays and a matrix gives for all rows, each with its own matrix."""
    out = None
    for rows, transition, _ in parts:
        found = formula(*(array[rows] for array in arrays), transition)
        if out is None:
            out = np.empty((len(arrays[0]), *found.shape[1:]))
        out[rows] = found
    return out


def parts_known(parts, proba, codes, judged):
    """The parts that models know of, which have said P(given | x): `parts`, or one of all rows.

    A model may not see which region a row is of, and what it says is then mixed by the mean matrix.
    Whichever explains the given labels better, by the matrices of their regions.
    """
    if len(parts) == 1:
        return parts
    size = [judged[rows].sum() for rows, _, _ in parts]
    if not sum(size):
        return parts
    transition, prior = (
        np.average([part[k] for part in parts], axis=0, weights=size) for k in (1, 2)
    )
    one = [(np.arange(len(proba)), transition, prior)]

    def likelihood(known):
        explained = by_part(given_proba, parts, unmixed_by(known, proba), codes)
        return np.log(np.maximum(explained[judged], 1e-12)).sum()

    return max(parts, one, key=likelihood)


def unmixed_by(parts, proba):
    """(n, K) P(true | x) from P(given | x), each row by the matrix of its part."""
    out = np.empty_like(proba)
    for rows, transition, prior in parts:
        out[rows] = unmixed(proba[rows], transition.T, prior, STEPS)
    return out


# ---------------------------------------------------------------------- formulas


def given_proba(true_proba, codes, transition):
    """(n,) probability of the given label."""
    return (true_proba * transition.T[codes]).sum(axis=1)


def times_inverse(proba, transition):
    return proba @ inverse_of(transition)


def label_posterior(true_proba, codes, transition):
    """(n, K) P(true=i | x, given=y), in proportion to P(true=i | x) T_iy.

    Parameters
    ----------
    true_proba : ndarray of shape (n, K)
        P(true | x).
    codes : ndarray of shape (n,) of int
        Given labels y.
    transition : ndarray of shape (K, K)

    Returns
    -------
    ndarray of shape (n, K)
        The given label, where no true one that the row may have explains it.
    """
    share = true_proba * transition.T[codes]
    total = share.sum(axis=1, keepdims=True)
    given = np.eye(len(transition))[codes]
    return np.where(total > 0, share / np.where(total > 0, total, 1.0), given)


def importance_weight(true_proba, codes, transition):
    """(n,) P(true=y | x) / P(given=y | x), where the second is that of the first and T.

    The parameters are those of `label_posterior`. A weight is at most 1 / T_yy, for P(given=y | x)
    is at least P(true=y | x) T_yy.
    """
    rows = np.arange(len(codes))
    given = given_proba(true_proba, codes, transition)
    return np.divide(true_proba[rows, codes], given, out=np.zeros(len(rows)), where=given > 0)


def inverse_of(transition):
    """The inverse, refused where it would blow up what is not known exactly."""
    hint = (
        "The transition matrix has no inverse that could be used: some classes are given (nearly) "
        "alike. Use method='forward' or 'importance', which need none, or join these classes."
    )
    try:
        inverse = np.linalg.inv(transition)
    except np.linalg.LinAlgError as error:
        raise ValueError(hint) from error
    if np.abs(inverse).max() > LARGEST_INVERSE:
        raise ValueError(hint)
    return inverse
