"""``python -m seeing watch``: whether what a served classifier is shown, or says, has changed.

Batches of a log are compared with photographs that the classifier was not trained on. And the
photographs of a log become labels: in a folder that the studio opens, with the answers beside
it as suggestions.

Explained on the page *The Command Line*.
"""

import collections
import csv
import dataclasses
import functools
import io
import math
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from seeing import drift
from seeing.app import held_out, logged, stored
from seeing.photos import reading

DRIFT = 3  # the exit status, so that scripts can act on it
FEW = 10  # of so many batches, a reference's own chance hardly counts any more
SUGGESTION = "suggestion"  # what the studio takes in as a label that nobody has confirmed
COLUMNS = ("path", "kind", "class", "probability", "time")


_Group = list[tuple[logged.Record, np.ndarray]]  # records, and their rows of probabilities


class CannotWatch(ValueError):
    """A log or an option does not allow watching. The message says why."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some photographs in a row, compared with the reference.

    Attributes:
        number: counted from the beginning of the log, from 1 on.
        first: when the first was answered.
        last: when the last was answered.
        tested: how likely chance alone explains what differs.
        differs: what differs, as :meth:`seeing.drift.Tested.what` names it; nothing: no alarm.
    """

    number: int
    first: str
    last: str
    tested: drift.Tested
    differs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Watched:
    """What a log shows.

    Attributes:
        batches: the batches that were looked at, in their order.
        records: their records, and those after the last whole batch; without features.
        rest: how many are after the last whole batch.
        size: of a batch.
        alarm_rate: false alarms that are accepted, a share of the batches.
        reference: how many photographs they were compared with.
        notices: what was passed over, and what limits the tests.
    """

    batches: tuple[Batch, ...]
    records: tuple[logged.Record, ...]
    rest: int
    size: int
    alarm_rate: float
    reference: int
    notices: tuple[str, ...]

    @property
    def alarms(self) -> int:
        """How many batches differ from the reference."""
        return sum(bool(batch.differs) for batch in self.batches)

    def table(self) -> str:
        """A line for each batch, and what its numbers mean."""
        lines = [
            f"compared with {self.reference:,} photographs that it was not trained on, in "
            f"batches of {self.size}",
            f"{'batch':>5}  {'from (UTC)':19}  {'to':19}  {'inputs':>7}  {'answers':>7}  "
            f"{'no answer':>16}  differs",
        ]
        for one in self.batches:
            tested = one.tested
            unknown = "-"
            if not math.isnan(tested.unknown):
                unknown = f"{tested.unknown_share:.0%}, {_shown(tested.unknown)}"
            lines.append(
                f"{one.number:5}  {one.first[:19]}  {one.last[:19]}  {_shown(tested.inputs):>7}  "
                f"{_shown(tested.answers):>7}  {unknown:>16}  {', '.join(one.differs)}".rstrip()
            )
        lines.append(
            "Numbers: how often chance alone differs so much, corrected for the number of tests. "
            f"Up to {self.alarm_rate:g} is an alarm."
        )
        return "\n".join(lines)

    def verdict(self) -> str:
        """What that means, and what it does not."""
        count, alarms = len(self.batches), self.alarms
        expected = self.alarm_rate * count
        chance = (
            f"Where nothing has changed, at most {self.alarm_rate:.0%} of batches differ by "
            f"chance, here {expected:.2g} on average."
        )
        if not alarms:
            return (
                f"No drift: {_batches(count)} looked at, and none differs from the reference. "
                "Changes that are small, or of a few photographs in each batch, can be missed."
            )
        kinds = collections.Counter(what for one in self.batches for what in one.differs)
        said = ", ".join(f"{name} in {number}" for name, number in kinds.items())
        return (
            f"Drift: {alarms} of {_batches(count)} differ{'s' * (alarms == 1)} from the reference "
            f"({said}). {chance} An alarm does not say that answers are wrong more often: only "
            "labels of these photographs can."
        )


def _batches(count: int) -> str:
    return f"{count:,} batch" if count == 1 else f"{count:,} batches"


def _shown(p: float) -> str:
    if math.isnan(p):
        return "-"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def reference(
    model: pathlib.Path, photographs: pathlib.Path | None, say: Callable[[str], None]
) -> held_out.HeldOut:
    """What batches are compared with.

    Args:
        model: the classifier's folder.
        photographs: a folder of photographs that it was not trained on, at any depth; None: what
            ``train`` kept.
        say: is told of photographs that cannot be used.

    Raises:
        stored.NotAClassifier: when the folder holds no classifier.
        held_out.NoHeldOut: when ``train`` kept nothing.
        CannotWatch: when the photographs are fewer than two.
    """
    description = stored.describe(model)
    if photographs is None:
        identity = description.identity(model)
        return held_out.read(model, len(description.class_names), identity)
    paths = sorted(one for one in photographs.rglob("*") if one.suffix.lower() in reading.SUFFIXES)
    usable = []
    for path in paths:
        try:
            reading.read_square(path, 32)
            usable.append(path)
        except reading.UnreadableImage as error:
            say(f"left out: {error}")
    if len(usable) < 2:
        raise CannotWatch(
            f"{photographs} holds {len(usable)} photographs that can be read; expected 100 or "
            "more, such as come in use, that it was not trained on"
        )
    from seeing.app import classifier  # Keras takes seconds to import

    probabilities, features = classifier.load(model).answers_and_features(usable)
    return held_out.HeldOut(features, probabilities)


_Looked = tuple[Batch, list[logged.Record]]


def watch(
    model: pathlib.Path,
    log: pathlib.Path,
    known: held_out.HeldOut,
    *,
    batch_size: int = drift.BATCH_SIZE,
    alarm_rate: float = drift.ALARM_RATE,
    last: int | None = None,
) -> Watched:
    """Compare the batches of a log with a reference.

    Args:
        model: the classifier's folder.
        log: what its server has written.
        known: the reference.
        batch_size: photographs in a batch, 2 or more.
        alarm_rate: false alarms that are accepted, a share of the batches.
        last: only so many batches, the latest; all if None.

    Raises:
        stored.NotAClassifier: when the folder holds no classifier.
        logged.CannotLog: when the other holds no log.
        CannotWatch: when it holds no whole batch.
        OSError: when it cannot be read.
    """
    description = stored.describe(model)
    identity = description.identity(model)
    passed: collections.Counter[str] = collections.Counter()
    notices: list[str] = []
    has_features = known.features is not None
    width = known.features.shape[1] if has_features else 0

    def usable() -> Iterator[tuple[logged.Record, np.ndarray]]:
        for record in logged.read(log, notices.append):
            row = _row(record, description.class_names)
            if record.model != identity:
                passed["answers of another classifier"] += 1
            elif row is None:
                passed["answers that name other classes"] += 1
            elif has_features and (record.features is None or len(record.features) != width):
                passed["answers without the features"] += 1
            else:
                yield record, row

    probabilities, features = logged.rounded(known.probabilities), held_out.halved(known.features)

    @functools.lru_cache(maxsize=8)
    def detector(unsure_below: float) -> drift.Detector:
        return drift.Detector(
            features, probabilities, batch_size=batch_size, unsure_below=unsure_below
        )

    def tested(number: int, group: _Group) -> _Looked:
        records = [record for record, _ in group]
        bounds = collections.Counter(record.unsure_below for record in records)
        found = detector(bounds.most_common(1)[0][0]).test(
            np.stack([record.features for record in records]) if has_features else None,
            np.stack([row for _, row in group]),
        )
        times = records[0].time, records[-1].time
        return Batch(number, *times, found, found.what(alarm_rate)), _without_features(records)

    # Of all batches, only what is printed stays in memory; of the last ones, no other is tested.
    looked: list[_Looked] = []
    waiting: collections.deque[tuple[int, _Group]] = collections.deque(maxlen=last)
    number, filling = 0, []
    for both in usable():
        filling.append(both)
        if len(filling) < batch_size:
            continue
        number += 1
        if last is None:
            looked.append(tested(number, filling))
        else:
            waiting.append((number, filling))
        filling = []
    looked += [tested(*one) for one in waiting]
    notices += [f"{what}: {count:,} passed over" for what, count in passed.items()]
    if not looked:
        said = f" ({'; '.join(notices)})" if notices else ""
        raise CannotWatch(
            f"{log} holds {len(filling)} answers of this classifier; expected {batch_size}, a "
            f"batch, or more{said}"
        )
    if len(known) < FEW * batch_size:
        notices.append(
            f"the reference holds {len(known)} photographs only, fewer than {FEW} batches: false "
            "alarms may be twice as frequent, and small changes will not be seen"
        )
    if not has_features:
        notices.append("the network's features are not known: only its answers are tested")
    seen = [record for _, records in looked for record in records]
    seen += _without_features([record for record, _ in filling])
    return Watched(
        batches=tuple(batch for batch, _ in looked),
        records=tuple(seen),
        rest=len(filling),
        size=batch_size,
        alarm_rate=alarm_rate,
        reference=len(known),
        notices=tuple(notices),
    )


def _without_features(records: Iterable[logged.Record]) -> list[logged.Record]:
    return [dataclasses.replace(record, features=None) for record in records]


def _row(record: logged.Record, class_names: Sequence[str]) -> np.ndarray | None:
    """A record's probabilities in the classes' order; None where they are of other classes."""
    if set(record.probabilities) != set(class_names):
        return None
    row = np.array([record.probabilities[name] for name in class_names])
    return row if np.isfinite(row).all() else None


# Labels.


@dataclasses.dataclass(frozen=True)
class Collected:
    """Photographs of a log that are ready to be labeled.

    Attributes:
        folder: a new folder that holds them.
        answers: a CSV beside it: what the classifier said of them.
        count: how many photographs.
        suggested: how many of them the classifier had a name for.
        missing: answers whose photograph was not kept, or is gone.
    """

    folder: pathlib.Path
    answers: pathlib.Path
    count: int
    suggested: int
    missing: int

    def summary(self) -> str:
        """Where they are, and what to do with them."""
        lines = [
            f"{self.count:,} photographs to label: {self.folder}",
            f"what was answered, for {self.suggested:,} of them: {self.answers}",
            f"Label them: python -m seeing studio {self.folder}",
            "There, importing the CSV makes the answers your labels; correct those that are wrong.",
        ]
        if self.missing:
            lines.insert(1, f"{self.missing:,} answers have no photograph in the log")
        return "\n".join(lines)


def answers_of(folder: pathlib.Path) -> pathlib.Path:
    """The place of the answers beside a folder of photographs."""
    return folder.parent / f"{folder.name}_answers.csv"


def require_new(folder: pathlib.Path) -> None:
    """Refuse a place for photographs where something is already.

    Raises:
        CannotWatch: naming what is there.
    """
    for path in (folder, answers_of(folder)):
        if os.path.lexists(path):
            raise CannotWatch(f"{path} exists already; choose another name, or remove it first")


def collect(records: Iterable[logged.Record], log: pathlib.Path, folder: pathlib.Path) -> Collected:
    """Copy a log's photographs to a new folder, and write what was answered beside it.

    A photograph that was sent several times is there once, with its last answer. The least sure
    answers come first.

    Args:
        records: what was answered.
        log: the log's folder.
        folder: the new folder.

    Raises:
        CannotWatch: when something is there already, or no photograph was kept.
        OSError: when it cannot be written, as on a full disk; then nothing is left of it.
    """
    require_new(folder)
    source, missing = log / logged.PHOTOGRAPHS, 0
    latest: dict[str, logged.Record] = {}
    for record in records:
        if record.photograph is None or not (source / record.photograph).is_file():
            missing += 1
        else:
            latest[record.photograph] = record
    if not latest:
        raise CannotWatch(
            f"{log} holds no photographs of these answers; `serve` keeps them where it is started "
            "with --log-photographs"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=".photographs-", dir=folder.parent))
    try:
        for name in latest:
            shutil.copyfile(source / name, partial / name)
        partial.chmod(0o755)
        sheet = partial.with_suffix(".csv")
        rows = _sheet(latest.values())
        sheet.write_text(rows, encoding="utf-8", newline="")
        sheet.rename(answers_of(folder))
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        partial.with_suffix(".csv").unlink(missing_ok=True)
        raise
    suggested = sum(one.answer is not None for one in latest.values())
    return Collected(folder, answers_of(folder), len(latest), suggested, missing)


def _sheet(records: Iterable[logged.Record]) -> str:
    """Suggestions as the studio reads them; where the answer was "don't know", there is none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    named = [one for one in records if one.answer is not None]
    for one in sorted(named, key=lambda one: (one.probabilities[one.answer], one.photograph)):
        probability = one.probabilities[one.answer]
        writer.writerow([one.photograph, SUGGESTION, one.answer, probability, one.time])
    return text.getvalue()
