"""One measured quantity: its values, and what they were measured on.

Explained on the page *How this book is checked*.
"""

import dataclasses
import math
import numbers
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

FRACTION = "fraction"  # 0 to 1, shown in percent
POINTS = "points"  # a difference of two fractions, times 100
RATIO = "ratio"  # a number without a unit
SECONDS = "s"
TIMES = (SECONDS, "µs")  # what depends on the machine: reported, never held to a band

# The end of a metric's name says its unit, where nobody says another.
UNITS = {
    "accuracy": FRACTION,
    "share": FRACTION,
    "recall": FRACTION,
    "precision": FRACTION,
    "f1": FRACTION,
    "gain": POINTS,
    "gap": POINTS,
    "time": SECONDS,
}

GRAIN = 1e-9  # a spread below it is rounding, not luck
MAX_DECIMALS = 6  # a results file holds no more


@dataclasses.dataclass(frozen=True)
class Metric:
    """One measured quantity, over one or more seeds.

    Attributes:
        values: one number a seed.
        n: how many examples each value was measured on; 0 where that makes no sense.
        unit: ``"fraction"``, ``"points"``, ``"ratio"``, ``"s"`` or ``"µs"``.
        data: names of the data sets (and weights) that the values depend on.
        part: ``"training"``, ``"validation"`` or ``"test"``; empty where it is none of them.
        guess: what a classifier that has learned nothing would get, or the value that means "no
            effect". A metric is held to a band only where there is such a value and the band
            does not hold it. None: shown, not asserted.
    """

    values: tuple[float, ...]
    n: int = 0
    unit: str = FRACTION
    data: tuple[str, ...] = ()
    part: str = ""
    guess: float | None = None

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float:
        """Sample standard deviation over the seeds; 0 for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Wilson's interval of a fraction: how much other examples could change it.

        The mean over seeds need not be a whole number of examples; it is rounded to one.

        Args:
            level: how often such an interval holds the true fraction.

        Raises:
            ValueError: when it was measured on no examples.
        """
        # Only who asks for an interval waits for SciPy.
        from scipy import stats

        if not self.n:
            raise ValueError("an interval needs the number of examples; the metric has n = 0")
        test = stats.binomtest(round(self.mean * self.n), self.n)
        found = test.proportion_ci(level, method="wilson")
        return float(found.low), float(found.high)

    @property
    def is_asserted(self) -> bool:
        """Whether the metric is meant to be held to a band."""
        return self.guess is not None and self.unit not in TIMES

    def __str__(self) -> str:
        """Mean and spread as a reader sees them, with as many digits as they deserve."""
        return self.text(self.decimals()) + unit_text(self.unit)

    def text(self, decimals: int, *, with_spread: bool = True) -> str:
        """Mean and spread with so many decimals, without the unit; a fraction in percent."""
        scale = 100 if self.unit == FRACTION else 1
        shown = f"{scale * self.mean:z,.{decimals}f}".replace("-", "−")
        if with_spread and len(self.values) > 1:
            shown += f" ± {scale * self.std:,.{decimals}f}"
        return shown

    def decimals(self) -> int:
        """Digits behind the point: what the spread between seeds leaves certain.

        One digit of the spread, two where the first is a 1. Where there is no spread, the
        standard error over the n examples takes its place; where there is no n either, the mean
        gets three digits.
        """
        scale = 100 if self.unit == FRACTION else 1
        most = MAX_DECIMALS - (2 if self.unit == FRACTION else 0)
        doubt = scale * self.std if self.std > GRAIN else 0.0
        if not doubt and self.unit == FRACTION and self.n:
            doubt = scale * standard_error(self.mean, self.n)
        if not doubt:
            size = abs(scale * self.mean)
            return _within(2 - math.floor(math.log10(size)), most) if size else 1
        exponent = math.floor(math.log10(doubt))
        return _within(-exponent + (doubt < 2 * 10.0**exponent), most)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Metric":
        """The metric that a results file holds; :meth:`as_json` read back.

        Raises:
            KeyError: when ``values``, ``n`` or ``unit`` is missing.
        """
        return cls(
            values=tuple(found["values"]),
            n=found["n"],
            unit=found["unit"],
            data=tuple(found.get("data", ())),
            part=found.get("part", ""),
            guess=found.get("guess"),
        )

    def as_json(self) -> dict[str, Any]:
        """The metric as it stands in a results file."""
        return {
            "mean": round(self.mean, 6),
            "std": round(self.std, 6),
            "values": [round(value, 6) for value in self.values],
            "n": self.n,
            "unit": self.unit,
            "data": list(self.data),
            "part": self.part,
            "guess": self.guess,
        }


def metric(
    values: Sequence[float] | float,
    *,
    n: int = 0,
    unit: str = FRACTION,
    data: Sequence[str] = (),
    part: str = "",
    guess: float | None = None,
) -> Metric:
    """A :class:`Metric` from one number or one number a seed.

    Raises:
        ValueError: when there is no value, one is not finite, or a fraction leaves [0, 1].
    """
    given = [values] if isinstance(values, numbers.Real) else list(values)
    given = [float(value) for value in given]
    if not given:
        raise ValueError("a metric needs at least one value; none was given")
    for value in given:
        if not math.isfinite(value):
            raise ValueError(f"a metric's values must be finite; got {value}")
        if unit == FRACTION and not 0.0 <= value <= 1.0:
            raise ValueError(f"a fraction lies between 0 and 1; got {value}: pass unit=... if not")
    # Plain numbers, also where NumPy counted: a report is JSON.
    return Metric(
        tuple(given),
        n=int(n),
        unit=unit,
        data=tuple(data),
        part=part,
        guess=None if guess is None else float(guess),
    )


def unit_of(name: str) -> str:
    """The unit that a metric's name implies, by its last word; ``"ratio"`` for any other."""
    return UNITS.get(name.rpartition("_")[2], RATIO)


def unit_text(unit: str) -> str:
    """What stands behind a number of that unit."""
    return {FRACTION: " %", POINTS: "", RATIO: ""}.get(unit, f" {unit}")


def standard_error(share: float, n: int) -> float:
    """The standard error of a share measured on n examples.

    Two right and two wrong answers are added, so that a share of 0 or 1 is not taken for certain
    (A. Agresti and B. Coull, *Approximate Is Better than "Exact"*, 1998).
    """
    p = (share * n + 2) / (n + 4)
    return math.sqrt(p * (1 - p) / n)


def _within(decimals: int, most: int) -> int:
    return min(max(decimals, 0), most)
