"""A linear classifier that is tested, and replaced where the test is failed."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, Self

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import Interval, StrOptions

from sknoisy._evidence import fit_model
from sknoisy._evidence._failures import explain
from sknoisy._evidence._fitting import IsModel, check_kind, check_takes_weights, seeded_clone
from sknoisy._fitted import model_attributes, replace_fitted
from sknoisy._progress import last_fit, whole_fit
from sknoisy._typing import ArrayLike, Estimator, MatrixLike, RandomStateLike
from sknoisy._wrapper import WrappedClassifier
from sknoisy.training._base import PARAMETERS, open_evidence
from sknoisy.training.error_models._halfspace_certificate import certify_halfspace, is_linear
from sknoisy.training.error_models._ramp_halfspace import RampHalfspaceClassifier, check_two_classes


class CertifiedHalfspaceClassifier(WrappedClassifier):
    """Linear classifier that says whether it is nearly the best one, and gives way if it is not.

    The classifier is fitted, and `certify_halfspace` tests it on the same rows: is the slope of the
    ramp loss along its boundary near zero, and are the rows so normal, there and beside it, that
    this says something? If so, it is kept. If a test is failed, `fallback` takes its place, which
    is tested in turn if it is linear; `certificate_.reason` says what was wrong. Read what a
    certificate does not say, in `certify_halfspace`, before relying on one. Few data sets are
    normal enough: to be rejected says nothing against a model.

    Number of fits: 1, or 2 where the classifier is rejected.

    Parameters
    ----------
    estimator : estimator object
        A linear classifier of two classes (it has `coef_` once it is fitted), or a Pipeline that
        ends in one. The rows are tested as its last step sees them.
    fallback : "ramp", estimator object or None, default="ramp"
        What takes its place when it is rejected: `RampHalfspaceClassifier`, in a Pipeline as its
        last step; any classifier, such as `FilterClassifier(LogisticRegression())`, which gets
        `sample_weight`, but no other parameters of `fit`; or nothing, and the classifier stays.
    eta : float in [0, 0.5), default=0.3
        The most likely flip of a label, in the worst place.
    max_excess : float in (0, 1], default=0.1
        By how much the error may exceed that of the best halfspace. How little can be certified
        depends on the number of rows and `eta`: 0.06 for 2000 rows, 5 columns and 0.2.
    band : float > 0, default=0.5
        Half the width of the band, in standard deviations.
    weight_strategy : {"native", "resample"}, default="native"
        How `sample_weight` reaches the classifier: as its own (an error when it takes none), or by
        repeating and leaving out rows in proportion to weight.
    random_state : int, RandomState instance or None, default=None
        Seeds every `random_state` that `estimator` and `fallback` leave at None.

    Attributes
    ----------
    estimator_ : estimator object
        The classifier or its replacement, fitted.
    classes_ : ndarray of shape (2,)
    certified_ : bool
        Whether `estimator_` has passed all tests.
    certificate_ : HalfspaceCertificate
        Of `estimator_`; of the rejected classifier where its replacement is not linear.
    source_ : {"estimator", "fallback"}
        Which of them `estimator_` is.
    certificates_ : dict of str to HalfspaceCertificate
        By source, of those that were tested.
    n_features_in_, feature_names_in_
        Of the fitted model, where it has them.

    See Also
    --------
    certify_halfspace : The tests alone.

    References
    ----------
    A. Gollakota, A. R. Klivans, K. Stavropoulos, A. Vasilyan: "An Efficient Tester-Learner for
    Halfspaces", ICLR, 2024. There the learner is tested; here it is any linear classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sknoisy.training.error_models import CertifiedHalfspaceClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3000, 3))
    >>> y = (X[:, 0] > 0) ^ (rng.random(3000) < 0.2)
    >>> model = CertifiedHalfspaceClassifier(LogisticRegression()).fit(X, y)
    >>> model.certified_, model.source_
    (True, 'estimator')
    """

    _parameter_constraints: dict = {
        **{name: PARAMETERS[name] for name in ("estimator", "weight_strategy", "random_state")},
        "fallback": [StrOptions({"ramp"}), IsModel(), None],
        "eta": [Interval(Real, 0, 0.5, closed="left")],
        "max_excess": [Interval(Real, 0, 1, closed="right")],
        "band": [Interval(Real, 0, None, closed="neither")],
    }

    certified_: bool
    certificate_: Any
    source_: str
    certificates_: Any

    def __init__(
        self,
        estimator: Estimator,
        *,
        fallback: Literal["ramp"] | Estimator | None = "ramp",
        eta: float = 0.3,
        max_excess: float = 0.1,
        band: float = 0.5,
        weight_strategy: Literal["native", "resample"] = "native",
        random_state: RandomStateLike = None,
    ) -> None:
        self.estimator = estimator
        self.fallback = fallback
        self.eta = eta
        self.max_excess = max_excess
        self.band = band
        self.weight_strategy = weight_strategy
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the classifier, test it, and fit the fallback if it is rejected.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} with n rows
            Whatever the classifier takes.
        y : array-like of shape (n,)
            Two labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, in the fits and in the tests.
        **fit_params : dict
            Further parameters of the classifier's `fit`. With metadata routing on, they are routed.

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
            groups=None,
            trusted=None,
            fit_params=fit_params,
        )
        inputs, classes = evidence.inputs, evidence.target.classes
        if len(classes) > 2:
            check_two_classes(evidence.target.codes)
        fallback = self._fallback(inputs.sample_weight)
        with whole_fit(self, X, y):
            model, source, certificates = self._tested(inputs, classes, fallback)
        certificate = certificates.get(source, certificates.get("estimator"))
        fitted = {
            "estimator_": model,
            "classes_": classes,
            "certified_": source in certificates and certificate.certified,
            "certificate_": certificate,
            "source_": source,
            "certificates_": certificates,
        }
        # Only now, when nothing can fail any more, is this object changed.
        replace_fitted(self, fitted | model_attributes(model))
        return self

    def _fallback(self, weight):
        """The model that would take the place of a rejected one."""
        if self.fallback is None:
            return None
        if self.fallback == "ramp":
            if not isinstance(self.estimator, Pipeline):
                return RampHalfspaceClassifier()
            last = self.estimator.steps[-1][0]
            return clone(self.estimator).set_params(**{last: RampHalfspaceClassifier()})
        check_kind(self.fallback, "classification", f"fallback of {type(self).__name__}")
        if weight is not None:
            why = "sample_weight was given, and fallback learns from the same rows"
            check_takes_weights(self.fallback, self.weight_strategy, why)
        return self.fallback

    def _tested(self, inputs, classes, fallback):
        """(model that stays, which of the two it is, certificates of those that were tested)."""
        model, source = self._fitted(self.estimator, inputs, inputs.fit_params), "estimator"
        if not is_linear(model) and len(classes) == 2:
            raise TypeError(
                f"CertifiedHalfspaceClassifier needs a linear classifier, and "
                f"{type(self.estimator).__name__} has no coef_ of one row, nor ends in one that "
                "has. Other models cannot be certified."
            )
        certificates = {source: self._certificate(model, inputs)} if is_linear(model) else {}
        if certificates and not certificates[source].certified and fallback is not None:
            model, source = self._fitted(fallback, inputs, {}), "fallback"
            if is_linear(model):
                certificates[source] = self._certificate(model, inputs)
        return model, source, certificates

    def _fitted(self, model, inputs, params):
        seed = self._seed()
        try:
            with last_fit():
                return fit_model(
                    seeded_clone(model, seed),
                    inputs.X,
                    inputs.y,
                    inputs.sample_weight,
                    params,
                    weight_strategy=self.weight_strategy,
                    random_state=seed,
                )
        except Exception as error:
            explain(error, model, "to all rows", inputs.y, inputs.y, is_labels=True)
            raise

    def _certificate(self, model, inputs):
        return certify_halfspace(
            model,
            inputs.X,
            inputs.y,
            sample_weight=inputs.sample_weight,
            eta=self.eta,
            max_excess=self.max_excess,
            band=self.band,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
