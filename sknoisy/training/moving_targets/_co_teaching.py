"""Two models that choose each other's rows, each seeing only the features that say most."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from sknoisy._wrapper import WrappedClassifier, WrappedRegressor
from sknoisy.detection._base import CV
from sknoisy.threshold import NoiseCount
from sknoisy.training._base import BaseTraining
from sknoisy.training.moving_targets._peers import PeerClassifier, PeerRegressor
from sknoisy.training.moving_targets._rounds import Rounds
from sknoisy.training.moving_targets._truncation import draw_shares, truncated
from sknoisy.treatment._treated import Treated, fit_treated

KEPT = 5  # rows of each class at least, for the class must not vanish
MOST = 0.5  # of the rows are wrong at most, where nobody says how many


class _Peer:
    """One of the two: its folds, its model, and what it says of rows that it has not seen."""

    def __init__(self, owner, evidence, seed):
        self.owner, self.evidence, self.seed = owner, evidence, seed
        self._folds = Rounds(evidence, owner.cv, random_state=seed, n_jobs=owner.n_jobs)

    def use(self, share):
        """See this share of the features from now on."""
        params, owner = self.evidence.inputs.fit_params, self.owner
        self.share = share
        self.model, params = truncated(owner.estimator, share, owner.compress, owner._task, params)
        self.rows = self.evidence.replaced(fit_params=params)
        self.rounds = self._folds.with_params(params)

    def judge(self, targets, kept):
        return self.rounds.answer(self.model, targets, kept)

    def last_fit(self, kept):
        """The model, fitted to the rows that are left."""
        rows, weight = np.flatnonzero(kept), self.evidence.inputs.sample_weight
        every = len(rows) == self.evidence.n_rows
        treated = Treated(
            rows=None if every else rows,
            y=self.evidence.target.y[rows],
            sample_weight=None if weight is None else weight[rows],
            noise_mask=~kept,
        )
        return fit_treated(
            self.model,
            self.rows,
            treated,
            weight_strategy=self.owner.weight_strategy,
            purpose="to the rows that its peer has chosen",
            random_state=self.seed,
        )


class _CoTeaching(BaseTraining):
    """The loop: each peer is fitted to the rows of which the other one has the smallest losses."""

    _parameter_constraints: dict = {
        **BaseTraining._parameter_constraints,
        "noise_rate": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "compress": [
            StrOptions({"importance", "pca"}),
            HasMethods(["fit", "transform", "set_params"]),
            None,
        ],
        "n_draws": [Interval(Integral, 0, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_gradual": [Interval(Integral, 1, None, closed="left")],
        "cv": CV,
    }

    def __init__(
        self,
        estimator,
        *,
        noise_rate="auto",
        compress="importance",
        n_draws=4,
        n_rounds=5,
        n_gradual=3,
        cv=5,
        weight_strategy="native",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.noise_rate = noise_rate
        self.compress = compress
        self.n_draws = n_draws
        self.n_rounds = n_rounds
        self.n_gradual = n_gradual
        self.cv = cv
        self.weight_strategy = weight_strategy
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _train(self, evidence):
        seed = self._seed()
        rng = check_random_state(seed)
        seeds = [None if seed is None else (seed + i) % (2**31 - 1) for i in (0, 1)]
        peers = [_Peer(self, evidence, own) for own in seeds]
        targets, every = self._targets(evidence), np.ones(evidence.n_rows, dtype=bool)
        said = [self._chosen_share(peer, targets, rng, evidence) for peer in peers]
        rate = self._rate(np.mean(said, axis=0), evidence)
        curve, kept = [], [every, every]
        for number in range(1, self.n_rounds + 1):
            losses = [self._loss(answer, evidence) for answer in said]
            keep = 1.0 - rate * min(number / self.n_gradual, 1.0)
            # each is taught by its peer
            kept = [small_losses(loss, keep, evidence) for loss in losses[::-1]]
            curve.append(
                [_mean_of(loss, rows) for loss, rows in zip(losses[::-1], kept, strict=True)]
            )
            if rate == 0:
                break
            if number < self.n_rounds:
                said = [peer.judge(targets, rows) for peer, rows in zip(peers, kept, strict=True)]
        models = [peer.last_fit(rows) for peer, rows in zip(peers, kept, strict=True)]
        return Treated(
            rows=None,
            y=evidence.target.y,
            sample_weight=None,
            noise_mask=~(kept[0] | kept[1]),
            model=self._together(models),
            attributes={
                "estimators_": models,
                "kept_": np.column_stack(kept),
                "feature_shares_": np.array([peer.share for peer in peers]),
                "noise_rate_": float(rate),
                "loss_curve_": np.array(curve),
                "n_iter_": len(curve),
                **self._trace(np.mean(said, axis=0)),
            },
        )

    def _chosen_share(self, peer, targets, rng, evidence):
        """What a peer says at the share of features with which it is right most; it keeps that.

        It must be right more often, or closer, than with all by a standard error.
        """
        shares = [1.0] if self.compress is None else draw_shares(self.n_draws, rng)
        best, least = None, np.inf
        for share in shares:
            peer.use(share)
            answer = peer.judge(targets, None)
            misses = self._misses(answer, evidence)
            seen = np.isfinite(misses)
            if best is None:
                best, all_misses = (share, answer), misses
            elif seen.any():
                more = (misses - all_misses)[seen & np.isfinite(all_misses)]
                error = more.std() / np.sqrt(max(len(more), 1))
                if more.mean() < min(-error, least):
                    best, least = (share, answer), more.mean()
        peer.use(best[0])
        return best[1]

    def _rate(self, said, evidence):
        if self.noise_rate != "auto":
            return self.noise_rate
        judged = np.isfinite(said if said.ndim == 1 else said.sum(axis=1))
        if not judged.any():
            return 0.0
        loss = self._loss(said, evidence)
        count = NoiseCount().fit(loss, evidence.target.y, predicted=said, trusted=evidence.trusted)
        return min(count.noise_rate_, MOST)

    def _trace(self, said):
        return {}


class CoTeachingClassifier(WrappedClassifier, _CoTeaching):
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

    def _targets(self, evidence):
        return np.eye(len(evidence.target.classes))[evidence.target.codes]

    def _loss(self, said, evidence):
        own = said[np.arange(evidence.n_rows), evidence.target.codes]
        return -np.log(np.maximum(own, 1e-3))

    def _misses(self, said, evidence):
        wrong = said.argmax(axis=1) != evidence.target.codes
        return np.where(np.isfinite(said).all(axis=1), wrong, np.nan)

    def _together(self, models):
        return PeerClassifier(models)

    def _trace(self, said):
        return {"label_proba_": said}


class CoTeachingRegressor(WrappedRegressor, _CoTeaching):
    """Two regressors that choose each other's rows, and see only the features that say most.

    As `CoTeachingClassifier`, with squared errors for losses. A peer keeps the number of features
    with which its predictions are closest to the numbers, by their mean absolute error, of rows
    that it has not seen.

    The papers are about labels. Numbers have large errors without being wrong; with
    `noise_rate="auto"` none is left out unless errors are of two kinds, small and large ones.

    Number of fits: two times `cv` (5) for 1 + `n_draws` (4) and for `n_rounds` - 1 (4), plus 2: 92
    by default, 52 without `compress`, and 52 where nothing is to be left out.

    Parameters
    ----------
    estimator : estimator object
        The regressor to wrap; any scikit-learn regressor, or a Pipeline that ends in one.
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

    See Also
    --------
    CoTeachingClassifier : For labels.

    References
    ----------
    Y. Chen, S. X. Hu, X. Shen, C. Ai, J. A. K. Suykens: "Compressing Features for Learning with
    Noisy Labels", IEEE Transactions on Neural Networks and Learning Systems, 2022.

    B. Han, Q. Yao, X. Yu, G. Niu, M. Xu, W. Hu, I. Tsang, M. Sugiyama: "Co-teaching: Robust
    training of deep neural networks with extremely noisy labels", NeurIPS, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sknoisy.training.moving_targets import CoTeachingRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 3)
    >>> y = 3 * X[:, 0] + 0.5 * rng.randn(300)
    >>> y[::5] += 30
    >>> model = CoTeachingRegressor(DecisionTreeRegressor(), noise_rate=0.2, random_state=0)
    >>> model = model.fit(X, y)
    >>> bool(np.abs(model.predict(X) - 3 * X[:, 0]).mean() < 1)
    True
    """

    _task = "regression"

    def _targets(self, evidence):
        return evidence.target.y.astype(float)

    def _loss(self, said, evidence):
        return (evidence.target.y - said) ** 2

    def _misses(self, said, evidence):
        return np.abs(evidence.target.y - said)

    def _together(self, models):
        return PeerRegressor(models)


def small_losses(loss, keep, evidence):
    """(n,) mask of the rows of the smallest losses, whose weights are the share `keep` of all.

    Rows without a loss are kept, trusted ones are, and `KEPT` of each class.
    """
    weight, n = evidence.inputs.sample_weight, evidence.n_rows
    weight = np.ones(n) if weight is None else weight
    judged = np.isfinite(loss)
    order = np.flatnonzero(judged)[np.argsort(loss[judged], kind="stable")]
    below = np.cumsum(weight[order])
    kept = ~judged | evidence.trusted
    if len(order):
        kept[order[below <= keep * below[-1] * (1 + 1e-9)]] = True
    codes = evidence.target.codes if evidence.target.is_labels else np.zeros(n, dtype=int)
    weighty = order[weight[order] > 0]
    for k in np.unique(codes):
        kept[weighty[codes[weighty] == k][:KEPT]] = True
    return kept


def _mean_of(loss, rows):
    seen = rows & np.isfinite(loss)
    return loss[seen].mean() if seen.any() else np.nan
