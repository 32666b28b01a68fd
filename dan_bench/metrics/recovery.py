"""What an attacker recovered, as a share of the original: 0 is nothing, 1 is everything."""

from dataclasses import replace

import numpy as np
from scipy import special

from dan_bench.interfaces import Estimate, Floats, Numbers
from dan_bench.statistics import CONFIDENCE, t_interval


def share_of(bits: Floats, there_was: float, confidence: float) -> Estimate:
    """Mean recovered bits over the bits that there were, clipped to [0, 1], with a t interval."""
    bits = np.maximum(bits, -1e4)  # a probability of 0 for what was true is no more than wrong
    mean = t_interval(bits / there_was, confidence)
    return _clipped(mean.value, mean, {"bits": float(bits.mean()), "of_bits": there_was})


def _clipped(value: float, interval: Estimate, details: dict[str, float]) -> Estimate:
    """Clip a share and the ends of its interval to [0, 1]; one value alone is its own interval."""
    low, high = interval.ends
    value, low, high = (float(np.clip(x, 0, 1)) for x in (value, low, high))
    return Estimate(value, low, high, interval.n, details)


def label_information(
    log_probabilities: Floats, labels: Numbers, confidence: float = CONFIDENCE
) -> Estimate:
    """(H(label) - cross-entropy) / H(label) of predicted labels.

    Args:
        log_probabilities: natural logarithms of predicted probabilities, n x classes.
        labels: the true labels, n.
        confidence: of the interval.

    Returns:
        The share of the labels' information that the predictions hold. A cross-entropy above
        H(label) recovers nothing.
    """
    counts = np.bincount(labels, minlength=log_probabilities.shape[1])
    prior = np.log2(np.maximum(counts, 1) / len(labels))
    stated = log_probabilities[np.arange(len(labels)), labels] / np.log(2)
    entropy = float(-prior[labels].mean())
    if entropy == 0:
        raise ValueError("all held-out labels are equal: there is nothing to recover")
    return share_of(stated - prior[labels], entropy, confidence)


def variance_explained(
    truth: Floats, guess: Floats, mean: Floats, confidence: float = CONFIDENCE
) -> Estimate:
    """max(0, R^2) of guesses against always guessing the mean.

    Args:
        truth: n x d originals.
        guess: n x d reconstructions.
        mean: what one guesses knowing nothing, d.
        confidence: of the interval (delta method over rows).
    """
    error = np.square(truth - guess).sum(axis=1)
    spread = np.square(truth - mean).sum(axis=1)
    if spread.sum() == 0:
        raise ValueError("all held-out rows equal the mean: there is nothing to recover")
    ratio = error.sum() / spread.sum()
    # 1 - error/spread, linearised around the ratio of the means
    terms = 1 - ratio - (error - ratio * spread) / spread.mean()
    return _clipped(1 - ratio, t_interval(terms, confidence), {"r_squared": float(1 - ratio)})


def dictionary_information(
    scores: Floats, true: Numbers, confidence: float = CONFIDENCE
) -> Estimate:
    """InfoNCE bits over log2 K (van den Oord et al. 2018, section 2.3).

    Args:
        scores: log-likelihoods, up to a constant a row, of K candidates for each query: n x K.
        true: which candidate was the input, n.
        confidence: of the interval.

    Returns:
        Share of the log2 K bits that name one candidate among K; details hold `named`, the share of
        queries whose input has the highest score.
    """
    candidates = scores.shape[1]
    chosen = scores[np.arange(len(true)), true] - special.logsumexp(scores, axis=1)
    bits = np.log2(candidates) + chosen / np.log(2)
    estimate = share_of(bits, float(np.log2(candidates)), confidence)
    best = scores == scores.max(axis=1, keepdims=True)
    named = best[np.arange(len(true)), true] / best.sum(axis=1)  # who has several guesses
    more = {"named": float(named.mean()), "candidates": float(candidates)}
    return replace(estimate, details=estimate.details | more)
