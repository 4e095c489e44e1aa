"""What scores say of a threshold: how often strangers would be let through and the right ones turned away. Numbers only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

STEPS = tuple(round(0.20 + 0.01 * step, 2) for step in range(66))
"""The thresholds that are tried: 0.20 to 0.85."""

CONFIDENCE = 0.95
MOST_STRANGERS_LET_IN = 0.01
ENOUGH_PAIRS = 10_000
SHIPPED_THRESHOLD = 0.55
ROOM_ABOVE = 0.02
_LARGEST_CAP = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One threshold: false matches among pairs of strangers, false refusals among pairs of one person, and what follows.

    `fmr_at_most` is where the false-match rate lies below with 95 % confidence, were the pairs independent; `gallery_cap` is
    how many may be searched so that a stranger meets somebody in at most 1 % of searches, by that bound.
    """

    threshold: float
    false_matches: int
    fmr: float
    fmr_at_most: float
    false_refusals: int
    fnmr: float
    gallery_cap: int


def rate(genuine: Scores, impostor: Scores, *, threshold: float) -> Rate:
    """Count what a threshold does; a score equal to it is a match. Needs at least one score of each kind."""
    false_matches = int((impostor >= threshold).sum())
    false_refusals = int((genuine < threshold).sum())
    at_most = upper_bound(false_matches, len(impostor))
    return Rate(
        threshold=threshold,
        false_matches=false_matches,
        fmr=false_matches / len(impostor),
        fmr_at_most=at_most,
        false_refusals=false_refusals,
        fnmr=false_refusals / len(genuine),
        gallery_cap=gallery_cap(at_most),
    )


def equal_error_rate(genuine: Scores, impostor: Scores) -> tuple[float, float]:
    """Find where strangers let through and right ones turned away are equally rare: (rate, threshold).

    Where no score makes them equal, the mean of both where they are nearest.
    """
    tried = np.unique(np.concatenate([genuine, impostor]))
    refused = np.searchsorted(np.sort(genuine), tried, side="left") / len(genuine)
    matched = 1 - np.searchsorted(np.sort(impostor), tried, side="left") / len(impostor)
    nearest = int(np.abs(refused - matched).argmin())
    return float(refused[nearest] + matched[nearest]) / 2, float(tried[nearest])


def upper_bound(seen: int, of: int, *, confidence: float = CONFIDENCE) -> float:
    """Bound a rate from above when `seen` events came in `of` trials (exact for rare events: Poisson).

    With none seen it is the rule of three: 3 / of.
    """
    low, high = float(seen), seen + 10 * math.sqrt(seen + 1) + 10
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(seen, middle) > 1 - confidence else (low, middle)
    return min(high / of, 1.0)


def gallery_cap(fmr: float, *, most: float = MOST_STRANGERS_LET_IN) -> int:
    """Say how many people may be searched so that a stranger meets somebody in at most `most` of searches: 1 − (1 − fmr)ⁿ ≤ most."""
    if fmr >= 1:
        return 0
    if fmr <= 0:
        return _LARGEST_CAP
    return min(int(math.log1p(-most) / math.log1p(-fmr) + 1e-9), _LARGEST_CAP)


def recommended(genuine: Scores, impostor: Scores) -> Rate:
    """Choose the threshold: the lowest at which no strangers matched, with some room above.

    With fewer than 10,000 pairs of strangers "none" says little: then it is never below the one that was shipped.
    """
    clean = (step for step in STEPS if not (impostor >= step).any())
    lowest = round(next(clean, STEPS[-1]) + ROOM_ABOVE, 2)
    if len(impostor) < ENOUGH_PAIRS:
        lowest = max(lowest, SHIPPED_THRESHOLD)
    return rate(genuine, impostor, threshold=min(lowest, 1.0))


def _at_most(seen: int, expected: float) -> float:
    """The chance of at most `seen` events where `expected` are expected (Poisson), summed in logarithms."""
    if expected <= 0:
        return 1.0
    return min(
        math.fsum(math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(seen + 1)), 1.0
    )
