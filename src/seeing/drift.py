"""Does what comes now differ from what was tested? Two-sample tests on inputs and on answers.

Inputs are compared by a permutation test of the energy distance between the network's features:
M. Rizzo and G. Székely, *Energy Distance*, WIREs Computational Statistics, 2016.
Answers are compared by a Kolmogorov-Smirnov test for each class's probability with Bonferroni's
correction, which S. Rabanser, S. Günnemann and Z. Lipton, *Failing Loudly: An Empirical Study of
Methods for Detecting Dataset Shift*, NeurIPS 2019, found to do best among many ways; and by the
share of "don't know".

Explained on the page *The Command Line*; what such an alarm is worth, in chapter 10b, *Shortcuts
and Shift*.
"""

import dataclasses
import math

import numpy as np
from scipy import stats
from sklearn.metrics import pairwise

from seeing.record import metric

ALARM_RATE = 0.05
BATCH_SIZE = 50
PERMUTATIONS = 999
LOWEST_RATE = 0.01  # with so many permutations, smaller ones could hardly be reached


@dataclasses.dataclass(frozen=True)
class Tested:
    """How often chance alone makes a batch differ so much from the reference, at least.

    All are corrected for the number of tests: if nothing has changed, the smallest of them is at
    most r in at most a share r of all batches, whatever r is. That is an average over references
    drawn anew. With one reference alone the share may be another, the more so the smaller it is.

    Attributes:
        inputs: of the features; NaN where there are none.
        answers: of the classes' probabilities.
        unknown: of the share of "don't know"; NaN where that answer was not given.
        unknown_share: that share, a fraction of 1.
    """

    inputs: float
    answers: float
    unknown: float
    unknown_share: float

    @property
    def smallest(self) -> float:
        """The smallest of them, which decides."""
        return min(p for p in (self.inputs, self.answers, self.unknown) if not math.isnan(p))

    def what(self, alarm_rate: float = ALARM_RATE) -> tuple[str, ...]:
        """What differs: of ``"inputs"``, ``"answers"`` and ``"don't know"``; nothing: no alarm."""
        each = {"inputs": self.inputs, "answers": self.answers, "don't know": self.unknown}
        return tuple(name for name, p in each.items() if p <= alarm_rate)


class Detector:
    """Compares batches with a reference: photographs that the network was not trained on.

    Inputs and answers get half of the false alarms each; the tests of the answers share theirs.
    Where there are no features, the answers get all.
    """

    def __init__(
        self,
        features: np.ndarray | None,
        probabilities: np.ndarray,
        *,
        batch_size: int = BATCH_SIZE,
        unsure_below: float = 0.0,
        permutations: int = PERMUTATIONS,
        seed: int = 0,
    ):
        """Take the reference in; what all batches share is calculated here.

        Args:
            features: shape (n, d), n at least 2; None where there are none.
            probabilities: shape (n, K), K at least 2.
            batch_size: photographs in each batch, m, at least 2.
            unsure_below: the answer is "don't know" where the largest probability is less; 0 to 1.
            permutations: of the test of the inputs.
            seed: of the permutations.

        Raises:
            ValueError: when the shapes do not fit, or a number is not finite.
        """
        self.batch_size, self._unsure_below = batch_size, unsure_below
        self._probabilities = _checked(probabilities, "probabilities")
        self._features = None if features is None else _checked(features, "features")
        n, n_classes = self._probabilities.shape
        if n < 2 or n_classes < 2 or batch_size < 2:
            raise ValueError(
                f"a reference of {n} photographs and {n_classes} classes, batches of {batch_size}; "
                "expected 2 or more of each"
            )
        if self._features is not None and len(self._features) != n:
            raise ValueError(f"{len(self._features)} rows of features, {n} of probabilities")
        # Of two classes, the probabilities say the same.
        self._columns = 1 if n_classes == 2 else n_classes
        self._tests = self._columns + (unsure_below > 0)
        if self._features is not None:
            self._permuted = _Permuted(
                pairwise.euclidean_distances(self._features), batch_size, permutations, seed
            )

    def test(self, features: np.ndarray | None, probabilities: np.ndarray) -> Tested:
        """Compare one batch with the reference.

        Args:
            features: shape (m, d); None if the reference has none.
            probabilities: shape (m, K).

        Raises:
            ValueError: when the shapes are not those of the reference, or a number is not finite.
        """
        features, probabilities = self._alike(features, probabilities)
        if len(probabilities) != self.batch_size:
            raise ValueError(f"a batch of {len(probabilities)}; expected {self.batch_size}")
        if features is None:
            return self._tested(math.nan, probabilities)
        across = pairwise.euclidean_distances(self._features, features)
        within = pairwise.euclidean_distances(features)
        return self._tested(self._permuted.p(across, within), probabilities)

    def alarms(
        self,
        features: np.ndarray | None,
        probabilities: np.ndarray,
        *,
        batches: int = 200,
        alarm_rate: float = ALARM_RATE,
        seed: int = 0,
    ) -> dict[str, metric.Metric]:
        """How often batches drawn from some photographs raise an alarm.

        From photographs like those of the reference, these are false alarms; from others, it is
        the test's power. The photographs must not be among those of the reference. The metrics'
        intervals say what other draws from the same photographs could change, and not what other
        photographs could.

        Args:
            features: shape (N, d), N at least the size of a batch; None if the reference has none.
            probabilities: shape (N, K).
            batches: how many are drawn.
            alarm_rate: false alarms that are accepted, a share of the batches.
            seed: of the draws.

        Returns:
            By what alarms: ``"any"``, ``"inputs"``, ``"answers"``, ``"don't know"``; the share of
            batches.

        Raises:
            ValueError: as :meth:`test` does, or when there are too few photographs.
        """
        features, probabilities = self._alike(features, probabilities)
        if len(probabilities) < self.batch_size or batches < 1:
            raise ValueError(
                f"{batches} batches of {len(probabilities)} photographs; expected 1 or more, of "
                f"{self.batch_size} or more"
            )
        random = np.random.default_rng(seed)
        counts = dict.fromkeys(("any", "inputs", "answers", "don't know"), 0)
        if features is not None:
            across = pairwise.euclidean_distances(self._features, features)
            within = pairwise.euclidean_distances(features)
        for _ in range(batches):
            drawn = random.choice(len(probabilities), self.batch_size, replace=False)
            p = math.nan
            if features is not None:
                p = self._permuted.p(across[:, drawn], within[np.ix_(drawn, drawn)])
            what = self._tested(p, probabilities[drawn]).what(alarm_rate)
            counts["any"] += bool(what)
            for name in what:
                counts[name] += 1
        return {name: metric.metric(count / batches, n=batches) for name, count in counts.items()}

    def _alike(
        self, features: np.ndarray | None, probabilities: np.ndarray
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """Numbers that can be compared with the reference's."""
        probabilities = _checked(probabilities, "probabilities")
        features = None if self._features is None else _checked(features, "features")
        if probabilities.shape[1] != self._probabilities.shape[1] or (
            features is not None and features.shape != (len(probabilities), self._features.shape[1])
        ):
            raise ValueError(
                f"probabilities {probabilities.shape}, features "
                f"{None if features is None else features.shape}; the reference has "
                f"{self._probabilities.shape}, "
                f"{None if self._features is None else self._features.shape}"
            )
        return features, probabilities

    def _tested(self, p_inputs: float, probabilities: np.ndarray) -> Tested:
        share = 1 if self._features is None else 2
        lowest = min(
            float(stats.ks_2samp(self._probabilities[:, k], probabilities[:, k]).pvalue)
            for k in range(self._columns)
        )
        p_unknown = math.nan
        unknown = self._unknown(probabilities)
        if self._unsure_below > 0:
            before = self._unknown(self._probabilities)
            table = [
                [unknown.sum(), len(unknown) - unknown.sum()],
                [before.sum(), len(before) - before.sum()],
            ]
            p_unknown = min(1.0, share * self._tests * float(stats.fisher_exact(table).pvalue))
        return Tested(
            inputs=p_inputs if math.isnan(p_inputs) else min(1.0, share * p_inputs),
            answers=min(1.0, share * self._tests * lowest),
            unknown=p_unknown,
            unknown_share=float(unknown.mean()),
        )

    def _unknown(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.max(axis=1) < self._unsure_below


def false_alarms(
    features: np.ndarray | None,
    probabilities: np.ndarray,
    *,
    reference: int,
    splits: int = 20,
    batches: int = 50,
    alarm_rate: float = ALARM_RATE,
    seed: int = 0,
    **options: float,
) -> np.ndarray:
    """How often batches raise an alarm though nothing has changed, with several references.

    One reference alone has its own chance in it. So held-out photographs are split anew, time and
    again, into a reference and those that batches are drawn from.

    Args:
        features: shape (N, d); None where there are none.
        probabilities: shape (N, K).
        reference: how many are the reference.
        splits: how many references there are.
        batches: of each split.
        alarm_rate: false alarms that are accepted, a share of the batches.
        seed: of all draws.
        options: :class:`Detector`'s others.

    Returns:
        float64, shape (splits,): the share of batches, of each split.

    Raises:
        ValueError: as :class:`Detector` and :meth:`Detector.alarms` do.
    """
    shares = []
    for k in range(splits):
        order = np.random.default_rng([seed, k]).permutation(len(probabilities))
        known, used = order[:reference], order[reference:]
        rows = [None if features is None else features[part] for part in (known, used)]
        detector = Detector(rows[0], probabilities[known], seed=k, **options)
        found = detector.alarms(
            rows[1], probabilities[used], batches=batches, alarm_rate=alarm_rate, seed=k
        )
        shares.append(found["any"].mean)
    return np.array(shares)


def _checked(numbers: np.ndarray | None, what: str) -> np.ndarray:
    numbers = np.asarray(numbers, dtype=np.float64)
    if numbers.ndim != 2 or not np.isfinite(numbers).all():
        raise ValueError(f"{what} of shape {numbers.shape}; expected (n, ...), finite numbers")
    return numbers


class _Permuted:
    """The permutation test of the energy distance, ready for many batches.

    SciPy's ``permutation_test`` gives the same numbers, and draws new permutations for each
    batch. Here they are drawn once, and all sums that a batch has no part in are kept: a batch
    then takes milliseconds. Each batch's test alone is as exact as before.
    """

    def __init__(self, distances: np.ndarray, m: int, permutations: int, seed: int):
        """Draw the permutations.

        Args:
            distances: within the reference, (n, n).
            m: photographs of a batch.
            permutations: how many, besides the batch itself.
            seed: of the draws.
        """
        n = len(distances)
        random = np.random.default_rng(seed)
        # Which m of all n + m stand in the batch's place; its own are the last m.
        member = np.zeros((permutations + 1, n + m))
        member[0, n:] = 1
        for row in member[1:]:
            row[random.choice(n + m, m, replace=False)] = 1
        self._n, self._m = n, m
        self._from_reference, self._from_batch = member[:, :n], member[:, n:]
        self._sums = distances.sum(axis=1)
        self._sums_chosen = self._from_reference @ self._sums
        self._within_chosen = np.sum(
            (self._from_reference @ distances) * self._from_reference, axis=1
        )

    def p(self, across: np.ndarray, within: np.ndarray) -> float:
        """The share of permutations, the batch itself among them, that lie as far apart.

        Args:
            across: distances from the reference to the batch, (n, m).
            within: distances within the batch, (m, m).
        """
        found = self.statistics(across, within)
        # Equal but for rounding counts as equal.
        return float(np.mean(found >= found[0] - 1e-9 * np.abs(found).max()))

    def statistics(self, across: np.ndarray, within: np.ndarray) -> np.ndarray:
        """The squared energy distance of each permutation, the batch's own first."""
        n, m = self._n, self._m
        total = self._sums.sum() + 2 * across.sum() + within.sum()
        # Within those that stand in the batch's place, and from these to all.
        inside = self._within_chosen + np.sum(
            (2 * (self._from_reference @ across) + self._from_batch @ within) * self._from_batch,
            axis=1,
        )
        to_all = (
            self._sums_chosen
            + self._from_reference @ across.sum(axis=1)
            + self._from_batch @ (across.sum(axis=0) + within.sum(axis=1))
        )
        between = to_all - inside
        outside = total - 2 * to_all + inside
        return 2 * between / (n * m) - inside / m**2 - outside / n**2
