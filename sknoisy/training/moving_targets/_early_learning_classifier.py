"""Labels that remember what the model said early, before it knew the wrong ones by heart."""

from __future__ import annotations

import numpy as np

from sknoisy._evidence._fitting import check_takes_weights
from sknoisy._soft_fit import SoftRows, soft_rows
from sknoisy._typing import Array, FloatArray
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training.moving_targets._early_learning import EarlyLearning
from sknoisy.training.moving_targets._rounds import MIN_PROBA
from sknoisy.treatment._treated import Treated

LEAST_GAP = 0.05  # of 1 - <p, t>: a row counts for no more than 1 + 20 strengths


class EarlyLearningClassifier(WrappedClassifier, EarlyLearning):
    """Classifier whose training is held to what it said of the rows early on.

    A flexible model learns the right labels first, and knows the wrong ones by heart later. So the
    running mean `t` of what is said of a row is a better target than its label, and the loss is the
    cross-entropy with the label plus `strength` times log(1 - <p, t>), which is small where the
    model still says what it said before. Its slope takes away that of the rows whose label
    contradicts what was said early, and adds to that of the others.

    For any classifier, this slope is that of a weighted cross-entropy: each row is given with its
    own label, and once more with each label k, with weight
    strength p_k (t_k - min t) / (1 - <p, t>). At the probabilities for which the weights were made
    the two slopes are the same, whatever the number of classes (`early_learning_weights`). Rows
    enter the next round with these weights. The running mean starts at zero, so that the labels
    count for all in the beginning.

    A model that can be trained on, by `partial_fit`, is trained by epochs, as in the paper: p is
    what it says of the rows of its training, and the weights change with each epoch (there with
    each batch). Any other is fitted anew in each round, and p comes from models that have not seen
    the row: a refit knows all labels by heart at once, and has no early time. The gap 1 - <p, t> is
    taken to be no less than 0.05. Where all labels are right, a model that is often wrong loses
    some accuracy: what it says early is worse than the labels.

    Number of fits: 1 by epochs; else `cv` (5) in each of `n_iter_` rounds, plus 1.

    Parameters
    ----------
    estimator : estimator object
        The classifier to wrap; any that takes weights (see `weight_strategy`), or a Pipeline that
        ends in one.
    strength : float >= 0, default=3.0
        Of the second part of the loss; 0 is the plain model.
    momentum : float in [0, 1), default=0.7
        How much of the running mean stays in each round.
    training : {"auto", "epochs", "refits"}, default="auto"
        "epochs" needs a model whose `partial_fit` takes weights, such as `SGDClassifier` or, from
        scikit-learn 1.7 on, `MLPClassifier`; also as last step of a Pipeline, whose other steps are
        fitted once. "auto" takes epochs where they are possible, but refits for linear models,
        which learn no label by heart and jump from epoch to epoch. Naive Bayes has no epochs.
    n_rounds : int >= 1 or None, default=None
        Epochs (None: the `max_iter` of the model, at most 100, and 20 if it has none), or rounds of
        refits (None: 10). What ends a training early is not asked.
    cv : int >= 2, splitter, iterable or None, default=5
        For refits: folds in which rows are judged, the same in each round.
    weight_strategy : {"native", "resample"}, default="native"
        How weights reach the model: as its `sample_weight` (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    n_jobs : int or None, default=None
        Jobs of the folds.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the order of rows in an epoch and every `random_state` that `estimator`
        leaves at None.

    Attributes
    ----------
    estimator_ : estimator object
        The wrapped model, trained by epochs or fitted with the last weights.
    classes_ : ndarray of shape (K,)
    targets_ : ndarray of shape (n, K)
        The running mean of what was said of each row, brought to sum one; of a row that nobody
        judged, its label.
    label_proba_ : ndarray of shape (n, K)
        Share of each label in the weights of each row, after the last round.
    sample_weight_ : ndarray of shape (n,)
        Their sum: one for a row in doubt, more for one of which the model is sure.
    loss_curve_ : ndarray of shape (`n_iter_`,)
        Mean loss, round by round; it may be negative.
    agreement_curve_ : ndarray of shape (`n_iter_`,)
        Share of rows whose label is the likeliest by the running mean. It rises to one where a
        model learns the wrong labels by heart.
    n_iter_ : int
    noise_mask_ : ndarray of shape (n,) of bool
        Rows in which another label has a larger share than the given one.
    n_features_in_, feature_names_in_
        Of the wrapped model, where it has them.

    See Also
    --------
    EarlyLearningRegressor : For numbers.

    References
    ----------
    S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda: "Early-Learning Regularization Prevents
    Memorization of Noisy Labels", NeurIPS, 2020.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sknoisy.datasets import symmetric_noise
    >>> from sknoisy.training.moving_targets import EarlyLearningClassifier
    >>> X, y = make_classification(400, class_sep=2.0, flip_y=0, random_state=0)
    >>> z, wrong = symmetric_noise(y, rate=0.3, random_state=0)
    >>> model = EarlyLearningClassifier(DecisionTreeClassifier(), n_rounds=4, random_state=0)
    >>> model.fit(X, z).score(X, y) > DecisionTreeClassifier(random_state=0).fit(X, z).score(X, y)
    True
    """

    _task = "classification"

    targets_: Array
    label_proba_: FloatArray
    sample_weight_: FloatArray
    loss_curve_: FloatArray
    agreement_curve_: FloatArray
    n_iter_: int

    def _check_before_training(self, **own):
        if not self._by_epochs(with_weights=True):
            why = "targets that move are labels with weights"
            check_takes_weights(self.estimator, self.weight_strategy, why)

    def _train(self, evidence):
        classes, codes = evidence.target.classes, evidence.target.codes
        given = np.eye(len(classes))[codes]
        model, now, running, _, trace = self._rounds(evidence, given)
        total, said = now.sum(axis=1), running.sum(axis=1, keepdims=True)
        return Treated.of_soft(
            evidence,
            now,
            SoftRows.of(evidence, min_proba=MIN_PROBA),
            noise_mask=now.argmax(axis=1) != codes,
            model=model,
            attributes={
                "targets_": np.divide(running, said, out=given.copy(), where=said > 0),
                "label_proba_": now / total[:, None],
                "sample_weight_": total,
                "loss_curve_": trace[:, 0],
                "agreement_curve_": trace[:, 1],
                "n_iter_": len(trace),
            },
        )

    def _fit_rows(self, now, evidence):
        rows, labels, weight = soft_rows(now, MIN_PROBA)
        return rows, evidence.target.classes[labels], weight

    def _next_targets(self, said, running, times_judged, given):
        return given + early_learning_weights(said, running, self.strength)

    def _note(self, said, running, now, weight, evidence):
        seen, codes = weight > 0, evidence.target.codes
        loss = early_learning_loss(said[seen], running[seen], codes[seen], self.strength)
        agrees = running[seen].argmax(axis=1) == codes[seen]
        return [np.average(values, weights=weight[seen]) for values in (loss, agrees)]


def early_learning_weights(proba, running, strength):
    """Weights of labels whose cross-entropy has the slope of strength log(1 - <p, t>).

    Both slopes are in the scores of which `proba` is the softmax, at `proba`.

    Parameters
    ----------
    proba, running : ndarray of shape (n, K)
        p, and t, whose rows may have any sum up to one.
    strength : float

    Returns
    -------
    ndarray of shape (n, K)
        None is negative. Adding the same to all labels in proportion to p has no slope, and so the
        smallest of t is taken off.
    """
    gap = np.maximum(1.0 - (proba * running).sum(axis=1, keepdims=True), LEAST_GAP)
    return strength * proba * (running - running.min(axis=1, keepdims=True)) / gap


def early_learning_loss(proba, running, codes, strength):
    """(n,) cross-entropy with the labels plus strength log(1 - <p, t>)."""
    gap = np.maximum(1.0 - (proba * running).sum(axis=1), LEAST_GAP)
    own = np.maximum(proba[np.arange(len(codes)), codes], 1e-4)
    return strength * np.log(gap) - np.log(own)
