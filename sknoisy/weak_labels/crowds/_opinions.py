"""How a classifier's opinion of a row and the annotators' answers make one: arrays in and out."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

from sknoisy._temperature import FLOOR, LIMITS

LEAST = 1e-6  # weight of an opinion, and share of errors to compare with


def likeliest_temperature(proba, log_likelihood, weight):
    """Temperature of class probabilities under which the answers are likeliest.

    Parameters
    ----------
    proba : ndarray of shape (n, K)
        What a model says of rows that it has not seen.
    log_likelihood : ndarray of shape (n, K)
        Logarithm of the probability of the answers to a row, given its class.
    weight : ndarray of shape (n,)
        How much each row counts.

    Returns
    -------
    float
        Above 1 where the model is too sure; never below, for a model that has learnt from what the
        same answers say, and agrees with them for that reason, must not be made surer.
    """
    logs = np.log(proba + FLOOR)

    def loss(log_temperature):
        prior = log_softmax(logs / np.exp(log_temperature), axis=1)
        return -np.average(logsumexp(prior + log_likelihood, axis=1), weights=weight)

    best = minimize_scalar(loss, bounds=(0.0, LIMITS[1]), method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0


def agreement_posterior(votes, proba, consensus):
    """Mean of the opinions of model and annotators, weighted by how far they agree.

    Parameters
    ----------
    votes : Votes
    proba : ndarray of shape (n, K)
        What a model says of rows that it has not seen.
    consensus : ndarray of shape (n,) of int
        The labels that annotators and model are compared with.

    Returns
    -------
    posterior : ndarray of shape (n, K)
    model_weight : float
    annotator_weight : ndarray of shape (m,)
    """
    n_classes, row, answer = len(votes.classes), votes.row, votes.answer
    several = votes.per_row > 1
    if not several.any():  # nobody can agree with anybody
        several = votes.per_row > 0
    agreeing = votes.counts[np.arange(votes.n_rows), consensus] / np.maximum(votes.per_row, 1)
    likelihood = np.clip(agreeing[several].mean(), LEAST, 1 - LEAST)
    most_frequent = np.bincount(consensus[several]).argmax()
    baseline = max(np.mean(consensus[several] != most_frequent), LEAST)
    # of each annotator with the others in the same rows
    others = votes.per_row[row] - 1.0
    agree = votes.by_annotator(votes.counts[row, answer] - 1)
    pairs = votes.by_annotator(others)
    overall = agree.sum() / pairs.sum() if pairs.any() else likelihood
    share = np.divide(agree, pairs, out=np.full(len(pairs), overall), where=pairs > 0)
    annotator_weight = np.maximum(1 - (1 - share) / baseline, LEAST)
    model_error = np.mean(proba.argmax(axis=1)[several] != consensus[several])
    model_weight = max(1 - model_error / baseline, LEAST) * np.sqrt(votes.per_row.mean())
    weight = annotator_weight[votes.annotator]
    posterior = model_weight * proba
    posterior += (votes.by_row(weight) * (1 - likelihood) / (n_classes - 1))[:, None]
    surplus = weight * (likelihood - (1 - likelihood) / (n_classes - 1))
    flat = np.bincount(row * n_classes + answer, weights=surplus, minlength=posterior.size)
    posterior += flat.reshape(posterior.shape)
    return posterior / posterior.sum(axis=1, keepdims=True), model_weight, annotator_weight
