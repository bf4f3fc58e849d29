"""One project of the studio, opened: its photographs, what was said of them, what learns from it.

Everything that the page shows and does goes through :class:`Studio`; it knows nothing of HTTP.
Labels are written by the caller's thread. Looking through the folder, computing features and
training are done by a thread of their own, one piece of work at a time, which says how far it is
and can be canceled.

No suggestion is ever made for a photograph of the locked test set, or for one that is alike.

Explained on the page *The Studio*.
"""

import contextlib
import dataclasses
import pathlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Literal

import filelock
import numpy as np

from seeing.app import keras_settings
from seeing.datasets import sources
from seeing.photos import folders, reading
from seeing.studio import (
    database,
    exchange,
    features,
    files,
    jobs,
    learner,
    linear,
    opinions,
    queues,
    scan,
    scores,
    store,
    thumbnails,
    versions,
)

LOCK_FILE = "studio.lock"
LEAST_SUGGESTED = 0.01  # less probable classes are not worth a line
MOST_SUGGESTED = 3

Kind = Literal["features", "training", "scan"]
State = Literal["idle", "running", "done", "canceled", "failed"]

# What can stop a piece of work without a mistake in this program; their messages say what to do.
EXPECTED = (
    database.CannotOpen,
    database.NotSaved,
    files.Busy,
    folders.NotAnImageFolder,
    keras_settings.UnusableSettings,
    linear.CannotLearn,
    reading.UnreadableImage,
    sources.DataUnavailable,
    store.OtherPhotographs,
    versions.DamagedVersion,
    OSError,
    MemoryError,
)


class Running(RuntimeError):
    """Another piece of work is being done. The message says which."""


class NotYet(LookupError):
    """What was asked for needs something to be done before. The message says what."""


@dataclasses.dataclass(frozen=True)
class Work:
    """A piece of work in the background, as it is now.

    Attributes:
        number: counts the pieces of work since the start.
        kind: what it is.
        state: whether it runs, or how it ended.
        doing: what is done at the moment, in words; of one that failed, why.
        done: steps of that.
        total: of how many.
    """

    number: int = 0
    kind: Kind | None = None
    state: State = "idle"
    doing: str = ""
    done: int = 0
    total: int = 0


@dataclasses.dataclass(frozen=True)
class Listed:
    """The photographs that the last scan found, by their places in the folder.

    Attributes:
        photographs: n of them, sorted by path.
        sizes: their widths and heights.
        ids: int64, shape (n,).
        groups: int64, shape (n,).
        parts: of the data, ``"training"``, ``"test"`` or ``"neither"``. A photograph of the
            training set that turns out to be alike to one of the test set is in neither.
        test_order: those of the locked test set, in the order of their draw.
        pairs: near-duplicates ``(id, id, likeness)``.
        skipped: what was left out, and why.
        place: of each id in these arrays.
    """

    photographs: tuple[store.Photograph, ...]
    sizes: tuple[tuple[int, int], ...]
    ids: np.ndarray
    groups: np.ndarray
    parts: tuple[str, ...]
    test_order: tuple[int, ...]
    pairs: tuple[tuple[int, int, float], ...]
    skipped: tuple[folders.Skipped, ...]
    place: dict[int, int]

    @classmethod
    def of(
        cls,
        known: Iterable[store.Photograph],
        registered: store.Registered,
        scanned: scan.Scanned,
    ) -> "Listed":
        """What a scan has found, with what the store knows of it."""
        by_id, ids = {one.id: one for one in known}, registered.ids
        across = {number for group in registered.across for number in group}
        photographs = tuple(by_id[number] for number in ids)
        of_test = [one for one in photographs if one.place.part == "test"]
        return cls(
            photographs=photographs,
            sizes=scanned.sizes,
            ids=np.array(ids, dtype=np.int64),
            groups=np.array([one.place.group for one in photographs], dtype=np.int64),
            parts=tuple(
                "neither" if one.id in across and one.place.part == "training" else one.place.part
                for one in photographs
            ),
            test_order=tuple(
                one.id for one in sorted(of_test, key=lambda one: (one.place.number, one.id))
            ),
            pairs=tuple((ids[i], ids[j], likeness) for i, j, likeness in scanned.pairs),
            skipped=scanned.skipped,
            place={number: i for i, number in enumerate(ids)},
        )

    def of_part(self, *parts: str) -> np.ndarray:
        """Which photographs belong to some parts of the data, bool (n,)."""
        return np.array([part in parts for part in self.parts], dtype=bool)


@dataclasses.dataclass(frozen=True)
class Said:
    """What is said of the photographs, as of an event.

    Attributes:
        last_event: the event's number.
        opinions: of all labelers.
        agreed: by photograph.
        classes: all, by id, those that were merged included.
    """

    last_event: int
    opinions: tuple[opinions.Opinion, ...]
    agreed: dict[int, opinions.Agreed]
    classes: dict[int, store.Class]

    @property
    def live(self) -> list[store.Class]:
        """The classes that are not merged into others."""
        return [one for one in self.classes.values() if one.merged_into is None]

    @property
    def merged(self) -> dict[int, int]:
        """What each merged class has become part of."""
        return {
            one.id: one.merged_into for one in self.classes.values() if one.merged_into is not None
        }

    @property
    def labels(self) -> dict[int, tuple[int, ...]]:
        """The classes of each photograph that labelers agree on."""
        return {
            number: one.class_ids
            for number, one in self.agreed.items()
            if one.class_ids is not None
        }


@dataclasses.dataclass(frozen=True)
class Guessed:
    """What a version says of all photographs, and what its training has found besides.

    Attributes:
        version: which one.
        class_ids: K classes.
        probabilities: float64, shape (n, K); NaN without features.
        opinions: of a committee, shape (members, n, K); None until it was asked.
        labeled: what it was trained on; None unless it was trained since the start.
        out_of_fold: about these; None where there are too few.
        advice: whether to go on labeling; None where nothing can be said.
    """

    version: versions.Version
    class_ids: tuple[int, ...]
    probabilities: np.ndarray
    opinions: np.ndarray | None = None
    labeled: linear.Labeled | None = None
    out_of_fold: learner.OutOfFold | None = None
    advice: learner.Advice | None = None


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What a queue is made of, at most how long it is, and who asks."""

    photographs: queues.Photographs
    said: Said
    limit: int
    labeler: int | None


class Studio:
    """A folder of photographs and all that belongs to its labels; :meth:`close` lets go of it."""

    def __init__(
        self,
        folder: pathlib.Path | str,
        *,
        database_url: str | None = None,
        multi_label: bool | None = None,
        test_share: float | None = None,
        seed: int | None = None,
        recipe: features.Recipe | None = None,
    ):
        """Open a project, or begin one; the folder is not looked through yet.

        Args:
            folder: the photographs'; the studio's own is beside it, named ``<folder>_studio``.
            database_url: as for :class:`seeing.studio.store.Store`.
            multi_label: as there.
            test_share: as there.
            seed: as there.
            recipe: of the features; ResNet50's by default.

        Raises:
            folders.NotAnImageFolder: when the folder is none.
            database.CannotOpen: when another studio has the folder or the database open, or the
                database cannot be used.
            database.NotSaved: when the database cannot be written to.
        """
        self.folder = pathlib.Path(folder).resolve()
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise folders.NotAnImageFolder(
                f"{self.folder} {what}; expected a folder of photographs"
            )
        self.own = self.folder.parent / f"{self.folder.name}_studio"
        self._lock = _only_studio(self.own, self.folder)
        try:
            self.store = store.Store(
                self.own,
                database_url,
                multi_label=multi_label,
                test_share=test_share,
                seed=seed,
            )
        except BaseException:
            self._lock.release()
            raise
        self.thumbnails = thumbnails.Thumbnails(self.own / "thumbnails")
        self.kept = features.Kept(self.own / "features", recipe or features.of_resnet50())
        self.versions = versions.Versions(self.own / "models")
        self._guard = threading.RLock()  # of all that follows
        self._listed: Listed | None = None
        self._X: np.ndarray | None = None
        self._said: Said | None = None
        self._guessed: Guessed | None = None
        self._reported: tuple[tuple[int, int], scores.Tested | None] | None = None
        self._work, self._job = Work(), jobs.Job()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def multi_label(self) -> bool:
        """Whether a photograph may have any number of classes."""
        return self.store.project.multi_label

    def close(self) -> None:
        """End the work in the background at its next step, and let go of the database."""
        with self._guard:
            self._closed = True
            self._job.cancel()
            thread = self._thread
        if thread is not None:
            thread.join()
        self.store.close()
        self._lock.release()

    # Photographs.

    def scan(self, job: jobs.Job | None = None, *, other_folder: bool = False) -> store.Registered:
        """Look through the folder; new photographs are drawn for the test set or not.

        Args:
            job: hears of the progress, and may cancel.
            other_folder: as for :meth:`seeing.studio.store.Store.register`.

        Raises:
            folders.NotAnImageFolder: when there is no photograph.
            store.OtherPhotographs: when the database is another folder's.
            jobs.Canceled: when the job was canceled.
            database.NotSaved: when the database does not do its part.
        """
        scanned = scan.scan(self.folder, self.own, self.thumbnails, job or jobs.Job())
        registered = self.store.register(scanned.found, scanned.groups, other_folder=other_folder)
        listed = Listed.of(self.store.photographs(), registered, scanned)
        with self._guard:
            self._listed, self._X, self._guessed, self._reported = listed, None, None, None
        return registered

    @property
    def listed(self) -> Listed:
        """The photographs.

        Raises:
            NotYet: when the folder was not looked through yet.
        """
        with self._guard:
            if self._listed is None:
                raise NotYet("the folder was not looked through yet; wait until it was")
            return self._listed

    def image(self, photograph_id: int, side: int) -> tuple[bytes, str]:
        """A photograph as JPEG, and the hash of its content.

        Args:
            photograph_id: which one.
            side: of the longer side in pixels, one of ``thumbnails.SIDES``; smaller where the
                photograph is.

        Raises:
            store.Unknown: when there is no such photograph in the folder.
            reading.UnreadableImage: when its file cannot be read any more.
        """
        listed = self.listed
        if photograph_id not in listed.place:
            raise store.Unknown(f"there is no photograph {photograph_id} in the folder")
        i = listed.place[photograph_id]
        one = listed.photographs[i]
        return self.thumbnails.of(self.path(one), one.sha256, listed.sizes[i], side), one.sha256

    def path(self, one: store.Photograph) -> pathlib.Path:
        """Where a photograph's file is.

        Raises:
            store.Unknown: when its path leads out of the folder, as a strange database may say.
        """
        path = self.folder / one.path
        if not path.resolve().is_relative_to(self.folder):
            raise store.Unknown(f"photograph {one.id} lies outside the folder; scan again")
        return path

    def copy_into_folders(self, *, by_part: bool) -> tuple[pathlib.Path, exchange.Copied]:
        """Copy labeled photographs into a new folder among the studio's own, one a class.

        Args:
            by_part: whether there are folders ``train`` and ``test`` above those of the classes.

        Returns:
            The new folder, and what was copied.

        Raises:
            OSError: when it cannot be written, as on a full disk; then nothing is left of it.
        """
        above = self.own / "exports"
        above.mkdir(exist_ok=True)
        number = 1
        while (place := above / f"folders-{number}").exists():
            number += 1
        records = exchange.records_of(self.store)
        return place, exchange.copy_into_folders(records, self.folder, place, by_part=by_part)

    # What is said of them.

    def said(self) -> Said:
        """What is said of all photographs now; computed once for each state of the log."""
        last = self.store.last_event()
        with self._guard:
            if self._said is not None and self._said.last_event == last:
                return self._said
        found = tuple(self.store.current(last))
        known = {one.id: one for one in self.store.classes(last)}
        said = Said(last, found, opinions.agreed(found), known)
        with self._guard:
            self._said = said
        return said

    # Work in the background.

    @property
    def work(self) -> Work:
        """The last piece of work, as it is now."""
        with self._guard:
            return self._work

    def start(self, kind: Kind) -> Work:
        """Begin a piece of work in the background.

        Training takes over from the computing of features, which it begins with anyway.

        Raises:
            Running: when another one is being done.
        """
        with self._guard:
            if self._closed:
                raise Running("the studio is stopping")
            before = self._thread
            if self._work.state == "running":
                if (self._work.kind, kind) != ("features", "training"):
                    raise Running(
                        f"{_in_words(self._work.kind)} is running; wait until it is done, or "
                        "cancel it"
                    )
                self._job.cancel()
            number = self._work.number + 1
            self._work = Work(number, kind, "running", "waiting to begin")
            self._job = jobs.Job(lambda *step: self._note(number, "running", *step))
            self._thread = threading.Thread(
                target=self._run, args=(number, kind, self._job, before), name=f"studio {kind}"
            )
            self._thread.start()
            return self._work

    def cancel(self) -> Work:
        """Ask the work to end at its next step. What is kept until then stays."""
        with self._guard:
            self._job.cancel()
            return self._work

    def wait(self) -> Work:
        """Wait until no work is being done."""
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()
        return self.work

    def _note(self, number: int, state: State, doing: str, done: int, total: int) -> None:
        with self._guard:
            if number == self._work.number:  # another may have taken over
                self._work = Work(number, self._work.kind, state, doing, done, total)

    def _run(self, number: int, kind: Kind, job: jobs.Job, before: threading.Thread | None) -> None:
        """A piece of work, in its thread: it ends with a word about how it went."""
        if before is not None:
            before.join()
        work: dict[str, Callable[[jobs.Job], str]] = {
            "features": self._prepare,
            "training": self._train,
            "scan": self._scan_again,
        }
        try:
            self._note(number, "done", work[kind](job), 1, 1)
        except jobs.Canceled as error:
            self._note(number, "canceled", str(error), 0, 0)
        except EXPECTED as error:
            self._note(number, "failed", str(error) or "memory ran out", 0, 0)
        # Whatever else it is, it is a mistake in this program: the page has to say so, too.
        except BaseException as error:
            traceback.print_exc(file=sys.stderr)
            self._note(
                number,
                "failed",
                f"a mistake in this program: {type(error).__name__}: {error}",
                0,
                0,
            )

    def _scan_again(self, job: jobs.Job) -> str:
        changed = self.scan(job)
        return (
            f"{len(changed.ids):,} photographs; {len(changed.new)} new, {len(changed.moved)} "
            f"moved, {len(changed.gone)} gone, {len(changed.back)} back"
        )

    def _prepare(self, job: jobs.Job) -> str:
        """Compute the features that are missing."""
        listed = self.listed
        added = self.kept.add({one.sha256: self.path(one) for one in listed.photographs}, job=job)
        with self._guard:
            if added.computed:
                self._X, self._reported = None, None
        refused = f"; {len(added.refused)} have none" if added.refused else ""
        return f"features of {added.kept + added.computed:,} photographs are there{refused}"

    def features(self) -> np.ndarray:
        """What is known of each photograph, float32 (n, d); NaN where nothing is yet."""
        listed = self.listed
        with self._guard:
            if self._X is None or len(self._X) != len(listed.ids):
                self._X, _ = self.kept.rows([one.sha256 for one in listed.photographs])
            return self._X

    def _train(self, job: jobs.Job) -> str:
        self._prepare(job)
        listed, X, said = self.listed, self.features(), self.said()
        in_training = listed.of_part("training")
        labeled = self._labeled(listed, X, said, in_training)
        trained = learner.retrain(
            labeled,
            self._labeled(listed, X, said, listed.of_part("test")),
            scaling := linear.Scaling.of(X[in_training]),
            self.versions,
            last_event=said.last_event,
            features=self.kept.recipe.fingerprint,
            seed=self.store.project.seed,
            job=job,
        )
        version = trained.version
        guessed = self._guess(version, said, X, labeled=labeled)
        # The first queue is there: what follows makes the others, and may be canceled.
        with contextlib.suppress(jobs.Canceled):
            self._look_closer(guessed, listed, X, labeled, scaling, job)
        return f"version {version.number}, trained on {version.made.photographs:,} photographs"

    def _labeled(
        self, listed: Listed, X: np.ndarray, said: Said, chosen: np.ndarray
    ) -> linear.Labeled:
        task = linear.Task(tuple(one.id for one in said.live), self.multi_label)
        return linear.Labeled.of(
            task, said.labels, listed.ids[chosen], X[chosen], listed.groups[chosen]
        )

    def _guess(
        self,
        version: versions.Version,
        said: Said,
        X: np.ndarray,
        *,
        labeled: linear.Labeled | None = None,
    ) -> Guessed:
        """Let a version say what all photographs show."""
        class_ids = tuple(one.id for one in said.live)
        rows = version.head.probabilities(X, class_ids, said.merged)
        guessed = Guessed(version, class_ids, rows, labeled=labeled)
        with self._guard:
            self._guessed = guessed
        return guessed

    def _look_closer(
        self,
        guessed: Guessed,
        listed: Listed,
        X: np.ndarray,
        labeled: linear.Labeled,
        scaling: linear.Scaling,
        job: jobs.Job,
    ) -> None:
        """What other heads say: of which photographs they differ, and which labels they doubt."""
        seed = self.store.project.seed

        def keep(**what: object) -> None:
            nonlocal guessed
            guessed = dataclasses.replace(guessed, **what)
            with self._guard:
                if self._guessed is not None and self._guessed.version is guessed.version:
                    self._guessed = guessed

        with contextlib.suppress(linear.CannotLearn):
            heads = learner.committee(labeled, scaling, seed=seed, job=job)
            keep(opinions=np.stack([head.probabilities(X) for head in heads]))
            full = learner.out_of_fold(labeled, scaling, seed=seed, job=job)
            keep(out_of_fold=full)
            if len(labeled) >= learner.FEWEST:
                curve = learner.learning_curve(labeled, scaling, full, seed=seed, job=job)
                keep(advice=curve.advice())

    # What to label next.

    def guessed(self) -> Guessed:
        """What the current version says.

        Raises:
            NotYet: when there is none yet, or features are missing.
            versions.DamagedVersion: when its file cannot be read.
        """
        said = self.said()
        with self._guard:
            found = self._guessed
        if found is not None and found.class_ids == tuple(one.id for one in said.live):
            return found
        version = found.version if found is not None else self.versions.current()
        if version is None:
            raise NotYet("there is no model yet; label some photographs of each class, then train")
        if version.made.features != self.kept.recipe.fingerprint:
            raise NotYet(f"version {version.number} is for other features; train again")
        return self._guess(version, said, self.features())

    def _photographs(self, said: Said) -> queues.Photographs:
        """All photographs, and who waits: of whom nobody has said anything."""
        listed = self.listed
        answered = {one.photograph_id for one in said.opinions}
        waiting = np.array([number not in answered for number in listed.ids.tolist()], dtype=bool)
        # What is alike to photographs of both parts is neither trained on nor tested with.
        waiting &= ~listed.of_part("neither")
        return queues.Photographs(listed.ids, listed.groups, waiting, listed.test_order)

    def queue(self, name: str, limit: int, labeler_id: int | None = None) -> list[queues.Item]:
        """What to label or to look at next.

        Args:
            name: one of ``QUEUES``.
            limit: how many at most.
            labeler_id: who asks: for what others have labeled and this one has not, and for the
                order of what comes at random.

        Raises:
            NotYet: when the queue needs a model, or more labels.
            store.Unknown: when there is no such queue.
        """
        if name not in QUEUES:
            raise store.Unknown(f"there is no queue {name!r}; expected one of {', '.join(QUEUES)}")
        said = self.said()
        asked = _Asked(self._photographs(said), said, limit, labeler_id)
        return getattr(self, f"_queue_{name}")(asked)

    def _queue_random(self, asked: _Asked) -> list[queues.Item]:
        # Each labeler's own order: in the same one, two would meet at every photograph.
        seed = [self.store.project.seed, asked.labeler or 0]
        return queues.at_random(asked.photographs, limit=asked.limit, seed=seed)

    def _queue_test(self, asked: _Asked) -> list[queues.Item]:
        return queues.test_set(asked.photographs, limit=asked.limit)

    def _queue_diverse(self, asked: _Asked) -> list[queues.Item]:
        X = self._some_features()
        return queues.diverse(
            asked.photographs,
            X,
            limit=min(asked.limit, queues.CLUSTERS),
            seed=self.store.project.seed,
        )

    def _queue_uncertain(self, asked: _Asked) -> list[queues.Item]:
        guessed = self.guessed()
        if self.multi_label:
            return queues.uncertain_of_several(
                asked.photographs, guessed.probabilities, limit=asked.limit
            )
        return queues.uncertain(asked.photographs, guessed.probabilities, limit=asked.limit)

    def _queue_disagreeing(self, asked: _Asked) -> list[queues.Item]:
        guessed = self.guessed()
        if guessed.opinions is None:
            raise NotYet("a committee is trained with each version; train now to ask it")
        return queues.disagreeing(
            asked.photographs, guessed.opinions, multi_label=self.multi_label, limit=asked.limit
        )

    def _queue_mislabeled(self, asked: _Asked) -> list[queues.Item]:
        guessed = self.guessed()
        full = guessed.out_of_fold
        if full is None or guessed.labeled is None:
            raise NotYet("labels are checked when a version is trained; train now to check them")
        # Whoever has looked at one since has confirmed it, or corrected it.
        looked_at = {
            one.photograph_id
            for one in asked.said.opinions
            if one.event > guessed.version.made.last_event
        }
        fresh = np.array([int(i) not in looked_at for i in guessed.labeled.ids], dtype=bool)
        return queues.likely_mislabeled(
            asked.photographs,
            guessed.labeled,
            full.probabilities,
            full.judged & fresh,
            limit=asked.limit,
        )

    def _queue_disputed(self, asked: _Asked) -> list[queues.Item]:
        there = self.listed.place
        return [
            queues.Item(number)
            for number, one in sorted(asked.said.agreed.items())
            if one.disputed and number in there
        ][: asked.limit]

    def _queue_second(self, asked: _Asked) -> list[queues.Item]:
        own = {one.photograph_id for one in asked.said.opinions if one.labeler_id == asked.labeler}
        others = {one.photograph_id for one in asked.said.opinions if one.kind == "label"} - own
        listed = self.listed
        rows = [i for i, number in enumerate(listed.ids.tolist()) if number in others]
        waiting = np.zeros(len(listed.ids), dtype=bool)
        waiting[rows] = True
        # The test set too: what it says about models rests on its labels.
        there = dataclasses.replace(asked.photographs, waiting=waiting, test_order=())
        return queues.at_random(there, limit=asked.limit, seed=self.store.project.seed)

    def duplicates(self, limit: int) -> list[queues.Pair]:
        """Near-duplicates of different labels, the most alike first."""
        said, listed = self.said(), self.listed
        return queues.near_duplicates_across(
            self._photographs(said), listed.pairs, said.labels, limit=limit
        )

    def clusters(self, count: int) -> list[queues.Cluster]:
        """Photographs that wait, by what they look like.

        Raises:
            NotYet: when features are missing.
        """
        photographs = self._photographs(self.said())
        seed = self.store.project.seed
        return queues.clusters(photographs, self._some_features(), count=count, seed=seed)

    def _some_features(self) -> np.ndarray:
        X = self.features()
        if not np.isfinite(X).any():
            raise NotYet(
                "what photographs look like is not computed yet; it is when you train, or now if "
                "you ask for it"
            )
        return X

    def alike(self, photograph_id: int) -> list[int]:
        """Photographs that are near-duplicates of one, itself included."""
        listed = self.listed
        if photograph_id not in listed.place:
            raise store.Unknown(f"there is no photograph {photograph_id} in the folder")
        group = listed.groups[listed.place[photograph_id]]
        return listed.ids[listed.groups == group].tolist()

    def suggestions(
        self, photograph_ids: Iterable[int]
    ) -> tuple[int | None, dict[int, list[tuple[int, float]]]]:
        """What the current version says of photographs.

        Never anything of a photograph of the test set, or of one that is alike. Of one that has
        a label, only what was said by heads that have not met it: any other repeats the label.

        Returns:
            The version's number, None if there is none; and of each photograph
            ``(class, probability)``, the most probable first.
        """
        try:
            guessed = self.guessed()
        except (NotYet, versions.DamagedVersion):
            return None, {}
        listed, labels, found = self.listed, self.said().labels, {}
        unmet = _unmet(guessed)
        for number in photograph_ids:
            i = listed.place.get(number)
            if i is None or listed.parts[i] != "training":
                continue
            row = unmet.get(number) if number in labels else guessed.probabilities[i]
            if row is not None and np.isfinite(row).all():
                best = np.argsort(-row, kind="stable")[:MOST_SUGGESTED]
                found[number] = [
                    (guessed.class_ids[k], float(row[k])) for k in best if row[k] >= LEAST_SUGGESTED
                ]
        return guessed.version.number, found

    # How well it does.

    def _test(self, said: Said) -> linear.Labeled:
        listed = self.listed
        return self._labeled(listed, self.features(), said, listed.of_part("test"))

    def report(self) -> tuple[versions.Version | None, scores.Tested | None]:
        """How the current version does on the test set, by the labels of now.

        Returns:
            The version, None if there is none; and how it does, None if no label allows to say.

        Raises:
            versions.DamagedVersion: when its file cannot be read.
        """
        said, version = self.said(), self.versions.current()
        if version is None:
            return None, None
        key = (said.last_event, version.number)
        with self._guard:
            if self._reported is not None and self._reported[0] == key:
                return version, self._reported[1]
        tested = None
        if version.made.features == self.kept.recipe.fingerprint and said.live:
            labeled = self._test(said)
            if len(labeled):
                tested = scores.of(version.head, labeled, said.merged)
        with self._guard:
            self._reported = key, tested
        return version, tested

    def surest_mistakes(self) -> tuple[scores.Mistake, ...] | None:
        """Labels that heads contradict which were not trained on them; none of the test set.

        None where labels were not checked since the start.

        Those of the test set would tell what a model says of photographs that have to be labeled,
        or corrected, without knowing.
        """
        with self._guard:
            guessed = self._guessed
        if guessed is None or guessed.labeled is None or guessed.out_of_fold is None:
            return None
        full, labeled = guessed.out_of_fold, guessed.labeled
        rows = np.flatnonzero(full.judged)
        probabilities = full.probabilities[rows]
        answers = scores.said(probabilities, multi_label=self.multi_label)
        return scores.surest(labeled.take(rows), probabilities, answers)

    def advice(self) -> learner.Advice | None:
        """Whether to go on labeling; None where nothing can be said since the start."""
        with self._guard:
            return self._guessed.advice if self._guessed is not None else None

    def current_version(self) -> int | None:
        """Number of the current version; None if there is none, or it cannot be read."""
        try:
            version = self.versions.current()
        except (KeyError, versions.DamagedVersion):
            return None
        return version.number if version is not None else None

    def compare(self, first: int, second: int) -> scores.SideBySide:
        """Two versions on the test set, by the labels of now.

        Raises:
            KeyError: when there is no such version.
            NotYet: when one is for other features.
            linear.CannotLearn: when no photograph of the test set is labeled.
            versions.DamagedVersion: when a file cannot be read.
        """
        said = self.said()
        both = [self.versions.load(number) for number in (first, second)]
        for version in both:
            if version.made.features != self.kept.recipe.fingerprint:
                raise NotYet(f"version {version.number} is for other features; train again")
        return scores.compare(both[0].head, both[1].head, self._test(said), said.merged)

    def roll_back(self, number: int) -> versions.Version:
        """Make another version the current one.

        Raises:
            KeyError: when there is no such version.
            files.Busy: while one is trained.
            versions.DamagedVersion: when its file cannot be read.
        """
        version = self.versions.roll_back(number)
        with self._guard:
            self._guessed = None
        return version


# What `Studio.queue` knows; near-duplicates come in pairs, and have a method of their own.
QUEUES = (
    "random",
    "test",
    "diverse",
    "uncertain",
    "disagreeing",
    "mislabeled",
    "disputed",
    "second",
)


def _unmet(guessed: Guessed) -> dict[int, np.ndarray]:
    """What heads say of photographs that were trained on, but not by them."""
    full, labeled = guessed.out_of_fold, guessed.labeled
    if full is None or labeled is None or labeled.task.class_ids != guessed.class_ids:
        return {}
    rows = zip(labeled.ids.tolist(), full.probabilities, full.judged, strict=True)
    return {number: row for number, row, is_judged in rows if is_judged}


def _in_words(kind: Kind | None) -> str:
    return {"features": "the computing of features", "scan": "a scan"}.get(kind or "", "a training")


def _only_studio(own: pathlib.Path, folder: pathlib.Path) -> filelock.BaseFileLock:
    """The claim to the studio's folder; the system ends that of a killed program.

    Raises:
        database.CannotOpen: when another studio has it, or nothing can be written there.
    """
    try:
        own.mkdir(exist_ok=True)
        # Whichever thread opened it, any may close it.
        lock = filelock.FileLock(own / LOCK_FILE, timeout=0, thread_local=False)
        lock.acquire()
    except filelock.Timeout as error:
        raise database.CannotOpen(
            f"{folder} is open in another studio; go on in that one's page, or stop it first"
        ) from error
    except OSError as error:
        raise database.CannotOpen(
            f"{own} cannot be written to ({error.strerror}); labels and models are kept there"
        ) from error
    return lock
