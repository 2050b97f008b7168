"""Two classifiers that choose each other's rows, each seeing only the features that say most."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknoisy._typing import BoolArray, FloatArray
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.moving_targets._co_teaching import CoTeaching


class CoTeachingClassifier(WrappedClassifier, CoTeaching):
    """Two classifiers that choose each other's rows, and see only the features that say most.

    Rows with wrong labels have large losses. A model that chose its own rows by their losses would
    go on believing its errors; so there are two, and each is fitted to the rows of which the other
    one has the smallest losses. The share that is left out grows to the share of wrong labels.
    Predictions are the mean of both.

    Before that each peer finds out how many features it needs. Features are in an order, and only
    the first of them are kept, as many as a draw says, with fewer more likely than many: what is
    left has no room for wrong labels to be learnt by heart. A peer keeps the number with which it
    is right most often, of rows that it has not seen; not all only if that is better by a standard
    error.

    The papers train two networks by batches, and a network has not learnt its rows by heart yet
    while it is young. Here a model is fitted anew in each round, and it judges rows that it has not
    seen, in folds, which differ between the peers. In the paper the network makes the order of the
    features itself, and here it is that of what they say, or of a decomposition (see `compress`);
    they are those that the last step of a Pipeline sees, or the columns of X.

    Rows that nobody can judge stay, and so do trusted ones, and the five rows of each class of the
    smallest losses. Only whole rows are left out, so that any model will do.

    Number of fits: two times `cv` (5) for 1 + `n_draws` (4) and for `n_rounds` - 1 (4), plus 2: 92
    by default, 52 without `compress`.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any scikit-learn classifier, or a Pipeline that ends in one.
    noise_rate : "auto" or float in [0, 1), default="auto"
        Share of the rows that is left out in the end. "auto": what `NoiseCount` counts by what both
        say at first, at most a half.
    compress : {"importance", "pca"}, transformer or None, default="importance"
        In which order features are kept. "importance": columns, of any kind, by the F statistic of
        each by itself; a model that is told of columns by name or place needs None. "pca":
        principal components of the standardised columns (of sparse ones without centring). A
        transformer: one with a parameter `n_components`, fitted to the columns. None: all are kept.
    n_draws : int >= 0, default=4
        Numbers of features that each peer tries beside all.
    n_rounds : int >= 1, default=5
    n_gradual : int >= 1, default=3
        In round t, the share `noise_rate` times min(t / `n_gradual`, 1) is left out.
    cv : int >= 2, splitter, iterable or None, default=5
        Folds in which the peers judge rows; an integer makes other folds for each of them.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the model: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the draws and every `random_state` that `estimator` leaves at None; the two
        peers get different seeds.

    Attributes
    ----------
    estimator_ : estimator object
        Both models as one: the mean of what they say.
    estimators_ : list of two estimators
        With features left out, each is a Pipeline that does so before its last step.
    classes_ : ndarray of shape (K,)
    kept_ : ndarray of shape (n, 2) of bool
        Rows that each of the two was fitted to.
    noise_mask_ : ndarray of shape (n,) of bool
        Rows that neither was fitted to.
    noise_rate_ : float
    feature_shares_ : ndarray of shape (2,)
        Share of the features that each of the two sees.
    loss_curve_ : ndarray of shape (`n_iter_`, 2)
        Mean loss of the rows that each is given next, by its peer, round by round.
    n_iter_ : int
        One where nothing is to be left out.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.
    label_proba_ : ndarray of shape (n, K)
        What both said in the last round of rows that they had not seen, on average; NaN where they
        could not.

    See Also
    --------
    CoTeachingRegressor : For numbers.

    References
    ----------
    Y. Chen, S. X. Hu, X. Shen, C. Ai, J. A. K. Suykens: "Compressing Features for Learning with
    Noisy Labels", IEEE Transactions on Neural Networks and Learning Systems, 2022.

    B. Han, Q. Yao, X. Yu, G. Niu, M. Xu, W. Hu, I. Tsang, M. Sugiyama: "Co-teaching: Robust
    training of deep neural networks with extremely noisy labels", NeurIPS, 2018.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.moving_targets import CoTeachingClassifier
    >>> X, y = make_classification(400, 20, class_sep=2.0, flip_y=0, random_state=0)
    >>> z, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    >>> model = CoTeachingClassifier(KNeighborsClassifier(), n_draws=1, random_state=0).fit(X, z)
    >>> model.score(X, y) > KNeighborsClassifier().fit(X, z).score(X, y) + 0.05
    True
    """

    _task = "classification"

    estimators_: list[Any]
    kept_: BoolArray
    noise_rate_: float
    feature_shares_: FloatArray
    loss_curve_: FloatArray
    n_iter_: int
    label_proba_: FloatArray

    def _targets(self, evidence):
        return np.eye(len(evidence.target.classes))[evidence.target.codes]

    def _loss(self, said, evidence):
        own = said[np.arange(evidence.n_rows), evidence.target.codes]
        return -np.log(np.maximum(own, 1e-3))

    def _misses(self, said, evidence):
        wrong = said.argmax(axis=1) != evidence.target.codes
        return np.where(np.isfinite(said).all(axis=1), wrong, np.nan)

    def _trace(self, said):
        return {"label_proba_": said}
