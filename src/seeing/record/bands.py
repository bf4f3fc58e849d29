"""Bands: what a run may measure if nothing is broken.

Explained on the page *How this book is checked*. A metric's band comes from earlier runs of the
same code on the same data, which differed in seed and in machine. Their variance is known from a
handful of runs only, and may be small by luck. So the metrics of a chapter share what they know:
each variance is moved toward what is usual for metrics of its size, by empirical Bayes (G. K.
Smyth, *Linear Models and Empirical Bayes Methods for Assessing Differential Expression in
Microarray Experiments*, 2004), and Student's quantile has the degrees of freedom of both.

"Usual" is measured in a metric's own scale: for a share p of n examples the binomial variance
p(1 - p)/n, for any other number its square.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special, stats

from seeing.record import metric as metrics

# A correct book raises a false alarm in at most this share of its builds, all metrics together.
FALSE_ALARMS = 0.01

# Metrics of one run share its luck, which the arithmetic below takes for independent. So the bands
# are made for half the alarms; what is usual counts for few degrees of freedom, and is never less
# than coins. The simulation in tests/unit/test_bands.py shows that this is enough.
RESERVE = 2
COMMON_FREEDOM = 4.0

# The smallest variance that is believed, in units of the metrics' scale: coins for a share, and
# five percent of its size for any other number.
LEAST_OF_SHARES, LEAST_OF_OTHERS = 1.0, 0.05**2

# Where a chapter has fewer metrics than this, there is nothing to learn what is usual from.
FEWEST = 5

# Of the same photographs in another size or number, besides the chance of other photographs.
EDITION_ALLOWANCE = 0.05

# Searching the prior's degrees of freedom ends here.
LARGEST_PRIOR = 100.0


@dataclasses.dataclass(frozen=True)
class Band:
    """What a metric may measure.

    Attributes:
        low: the lower end.
        high: the upper end.
    """

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies inside, its ends included."""
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True)
class Earlier:
    """What earlier runs measured of one metric.

    Attributes:
        values: one number a run.
        n: examples in each, 0 where there is no such number.
        unit: the metric's.
    """

    values: tuple[float, ...]
    n: int
    unit: str

    @property
    def mean(self) -> float:
        """Mean over the runs."""
        return float(np.mean(self.values))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the variance between runs."""
        return len(self.values) - 1

    @property
    def scale(self) -> float:
        """The variance that n coins would have; for what is no share, the mean square."""
        if self.unit == metrics.FRACTION and self.n:
            return metrics.standard_error(self.mean, self.n) ** 2
        return float(np.mean(np.square(self.values))) or 1.0

    @property
    def variance(self) -> float:
        """The variance between runs. A share of n examples is known to a grain of 1/n."""
        between = float(np.var(self.values, ddof=1)) if self.freedom else 0.0
        grain = 1 / (12 * self.n**2) if self.unit == metrics.FRACTION and self.n else 0.0
        return between + grain


@dataclasses.dataclass(frozen=True)
class Prior:
    """What is usual: a variance in units of the metrics' scale, worth that many runs."""

    variance: float
    freedom: float


def usual(earlier: Sequence[Earlier], *, least: float = LEAST_OF_SHARES) -> Prior:
    """What is usual for some metrics of one kind (Smyth 2004, section 6.2).

    Args:
        earlier: metrics that all are shares, or all are none.
        least: the smallest variance that is believed, in units of the metrics' scale.

    Returns:
        At least that variance. Where metrics are too few, just that, and it counts for
        a metric only that has a single run.
    """
    known = [one for one in earlier if one.freedom and one.variance > 0]
    if len(known) < FEWEST:
        return Prior(1.0, 0.0 if known else COMMON_FREEDOM)
    freedom = np.array([one.freedom for one in known]) / 2
    logs = np.log([one.variance / one.scale for one in known])
    logs += np.log(freedom) - special.digamma(freedom)
    excess = np.var(logs, ddof=1) - np.mean(special.polygamma(1, freedom))
    half = min(_inverse_trigamma(excess), LARGEST_PRIOR / 2) if excess > 0 else LARGEST_PRIOR / 2
    variance = math.exp(np.mean(logs) + special.digamma(half) - math.log(half))
    return Prior(max(variance, least), min(2 * half, COMMON_FREEDOM))


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value > 0, by Newton's method on 1/trigamma (Smyth 2004)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = special.polygamma(1, x)
        step = trigamma * (1 - trigamma / value) / special.polygamma(2, x)
        x += step
        if -step / x < 1e-8:
            break
    return float(x)


@dataclasses.dataclass(frozen=True)
class Working:
    """How a metric's band came about.

    Attributes:
        earlier: what earlier runs measured.
        usual_variance: what is usual for such metrics, in the metric's own unit.
        usual_freedom: how many degrees of freedom that counts for.
        variance: between runs, all things considered.
        expected: of the present run's number around the earlier runs' mean.
        quantile: Student's, for how few runs there are and how many metrics the book has.
        allowance: added where the data are there in another edition.
    """

    earlier: Earlier
    usual_variance: float
    usual_freedom: float
    variance: float
    expected: float
    quantile: float
    allowance: float

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance: the runs' own, and those of what is usual."""
        return self.usual_freedom + self.earlier.freedom

    def as_json(self) -> dict[str, float | int | str]:
        """The numbers that a page shows of it, unrounded."""
        band, earlier = self.band, self.earlier
        return {
            "unit": earlier.unit,
            "runs": len(earlier.values),
            "n": earlier.n,
            "mean": earlier.mean,
            "deviation_between_runs": math.sqrt(earlier.variance),
            "usual_deviation": math.sqrt(self.usual_variance),
            "usual_freedom": self.usual_freedom,
            "deviation": math.sqrt(self.variance),
            "expected_deviation": math.sqrt(self.expected),
            "freedom": self.freedom,
            "quantile": self.quantile,
            "allowance": self.allowance,
            "low": band.low,
            "high": band.high,
        }

    @property
    def band(self) -> Band:
        """The mean of the earlier runs, and as far from it as chance reaches."""
        reach = self.allowance + self.quantile * math.sqrt(self.expected)
        low, high = self.earlier.mean - reach, self.earlier.mean + reach
        if self.earlier.unit == metrics.FRACTION:
            low, high = max(0.0, low), min(1.0, high)
        return Band(float(low), float(high))


def workings(
    earlier: Mapping[str, Earlier],
    *,
    chapters: int,
    seeds: Mapping[str, int] | None = None,
    other_edition: frozenset[str] = frozenset(),
) -> dict[str, Working]:
    """The band of every metric of a chapter, with the numbers that led to it.

    Args:
        earlier: what earlier runs measured, by the metric's name.
        chapters: number of chapters in the book; they share the false alarms.
        seeds: by metric, over how many seeds the present run averages, where ``earlier`` holds
            one value a seed; none where it holds one value a run.
        other_edition: metrics whose data set is there in another edition than the earlier
            runs': other photographs, so that the chance of drawing them comes in twice.
    """
    found = {}
    alarms = FALSE_ALARMS / RESERVE / chapters / max(len(earlier), 1)
    for shares in (True, False):
        own = {
            name: one
            for name, one in earlier.items()
            if (one.unit == metrics.FRACTION and one.n > 0) == shares
        }
        least = LEAST_OF_SHARES if shares else LEAST_OF_OTHERS
        prior = usual(list(own.values()), least=least)
        for name, one in own.items():
            borrowed = prior.freedom if one.freedom else COMMON_FREEDOM
            freedom = borrowed + one.freedom
            usual_variance = prior.variance * one.scale
            variance = (borrowed * usual_variance + one.freedom * one.variance) / freedom
            if not shares:
                variance = max(variance, least * one.scale)
            expected = variance * (1 / len(one.values) + 1 / (seeds or {}).get(name, 1))
            is_other = name in other_edition
            found[name] = Working(
                earlier=one,
                usual_variance=usual_variance,
                usual_freedom=borrowed,
                variance=variance,
                expected=expected + (2 * one.scale if is_other else 0.0),
                quantile=float(stats.t.isf(alarms / 2, freedom)),
                allowance=EDITION_ALLOWANCE if is_other else 0.0,
            )
    return found


def bands(
    earlier: Mapping[str, Earlier],
    *,
    chapters: int,
    seeds: Mapping[str, int] | None = None,
    other_edition: frozenset[str] = frozenset(),
) -> dict[str, Band]:
    """The band of every metric of a chapter; the arguments are those of :func:`workings`."""
    found = workings(earlier, chapters=chapters, seeds=seeds, other_edition=other_edition)
    return {name: one.band for name, one in found.items()}
