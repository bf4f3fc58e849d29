"""A project is opened, labeled, trained in the background, corrected, and opened again."""

import dataclasses
import hashlib
import io
import shutil
import threading

import numpy as np
import pytest
import studio_photographs
from PIL import Image

from seeing.datasets import sources
from seeing.photos import folders, near_duplicates, reading
from seeing.studio import database, features, linear, opinions, queues, scan, service, store

COUNT = 36


class Held(studio_photographs.Eye):
    """An eye that waits, until it may look."""

    def __init__(self):
        self.asked, self.go = threading.Event(), threading.Event()

    def predict_on_batch(self, images):
        self.asked.set()
        assert self.go.wait(20)
        return super().predict_on_batch(images)


def recipe_of(build) -> features.Recipe:
    return dataclasses.replace(studio_photographs.recipe(), build=build)


@pytest.fixture
def folder(tmp_path):
    studio_photographs.draw(tmp_path / "photos", COUNT)
    return tmp_path / "photos"


@pytest.fixture
def opened(folder):
    """Opens the project of the folder; closes all that it has opened."""
    studios = []

    def opened(**options) -> service.Studio:
        options = {"seed": 3, "recipe": studio_photographs.recipe(), **options}
        studios.append(service.Studio(folder, **options))
        return studios[-1]

    yield opened
    for one in studios:
        one.close()


@pytest.fixture
def studio(opened):
    studio = opened()
    studio.scan()
    return studio


def color(one: store.Photograph) -> int:
    """Which of the three colors a photograph has, by the number in its name."""
    return int(one.path.split()[-1][:5]) % 3


def label(studio: service.Studio, *, but=(), wrong=()) -> dict[int, int]:
    """Label photographs by their color, some wrongly; the class of each that was labeled."""
    ann = studio.store.labeler("Ann")
    if not studio.store.classes():
        for name in studio_photographs.COLORS:
            studio.store.add_class(ann.id, name)
    given = {
        one.id: 1 + (color(one) + (one.id in wrong)) % 3
        for one in studio.listed.photographs
        if one.id not in but
    }
    answers = [
        opinions.Answer(number, "label", (class_id,), seen=studio.store.last_event())
        for number, class_id in given.items()
    ]
    studio.store.label(ann.id, answers, how="bulk")
    return given


def train(studio: service.Studio) -> service.Work:
    studio.start("training")
    return studio.wait()


def waiting(studio: service.Studio, part: str) -> list[int]:
    """Some photographs of a part, to be left without a label."""
    return [one.id for one in studio.listed.photographs if one.place.part == part][:6]


class TestOpening:
    def test_photographs_are_only_read(self, folder, opened):
        def looked():
            return {
                path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
                for path in folder.rglob("*")
            }

        before = looked()
        studio = opened()
        studio.scan()
        label(studio)
        train(studio)
        studio.image(studio.listed.photographs[0].id, 512)
        studio.copy_into_folders(by_part=True)
        assert looked() == before

    def test_all_is_kept_beside_the_folder(self, folder, studio):
        assert {path.name for path in folder.parent.iterdir()} == {"photos", "photos_studio"}
        assert {"labels.sqlite3", "scan.npz", "thumbnails"} <= {
            path.name for path in studio.own.iterdir()
        }

    def test_a_second_start_is_told_so(self, opened, studio):
        with pytest.raises(database.CannotOpen, match="is open in another studio"):
            opened()
        studio.close()
        studio.close()  # twice does no harm
        opened()

    def test_a_second_start_with_another_database_too(self, tmp_path, opened, studio):
        with pytest.raises(database.CannotOpen, match="is open in another studio"):
            opened(database_url=f"sqlite:///{tmp_path}/other.sqlite3")

    def test_what_is_refused_leaves_no_claim(self, opened):
        with pytest.raises(database.CannotOpen, match="URL"):
            opened(database_url="no url")
        opened()

    @pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("x")])
    def test_what_is_no_folder_is_refused(self, tmp_path, make):
        make(tmp_path / "photographs")
        with pytest.raises(folders.NotAnImageFolder, match="expected a folder of photographs"):
            service.Studio(tmp_path / "photographs")
        assert not (tmp_path / "photographs_studio").exists()

    def test_before_a_scan_there_is_nothing(self, opened):
        with pytest.raises(service.NotYet):
            opened().image(1, 256)


class TestScanning:
    def test_every_file_is_accounted_for(self, folder, opened):
        (folder / "deep" / "er").mkdir(parents=True)
        shutil.copy(folder / "photo 00000.jpg", folder / "deep" / "er" / "copy.JPG")
        (folder / "notes.txt").write_text("x")
        (folder / "cut.jpg").write_bytes((folder / "photo 00001.jpg").read_bytes()[:300])
        (folder / ".hidden.jpg").write_bytes(b"x")
        (folder.parent / "secret.jpg").write_bytes((folder / "photo 00002.jpg").read_bytes())
        (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
        (folder / "elsewhere").symlink_to(folder.parent)
        studio = opened()
        studio.scan()
        paths = [one.path for one in studio.listed.photographs]
        assert paths == sorted(paths) and len(paths) == COUNT + 1
        assert {one.path.name: one.reason.split(":")[0] for one in studio.listed.skipped} == {
            "notes.txt": "its name does not end like an image's (.txt)",
            "cut.jpg": "damaged",
            ".hidden.jpg": "hidden file of the operating system",
            "link.jpg": "link to a file outside the folder; such links are not followed",
            "elsewhere": "link to a folder; such links are not followed",
        }
        copy, original = (
            next(one for one in studio.listed.photographs if one.path == path)
            for path in ("deep/er/copy.JPG", "photo 00000.jpg")
        )
        assert copy.place == original.place, "near-duplicates are in one part"
        assert studio.alike(copy.id) == sorted([copy.id, original.id], key=paths_of(studio))

    def test_a_second_look_reads_no_photograph(self, studio, opened, monkeypatch):
        before = studio.listed
        studio.close()

        def read(*args, **options):
            raise AssertionError("a photograph was read again")

        monkeypatch.setattr(reading, "read_image", read)
        monkeypatch.setattr(features, "digest", read)
        again = opened()
        changed = again.scan()
        assert (changed.new, changed.moved, changed.gone) == ((), (), ())
        assert again.listed.photographs == before.photographs
        assert again.listed.pairs == before.pairs and again.listed.sizes == before.sizes

    def test_what_was_noted_and_damaged_is_looked_at_again(self, studio):
        noted = studio.own / scan.NOTED_FILE
        for content in (b"", b"PK", noted.read_bytes()[:-200]):
            noted.write_bytes(content)
            assert len(studio.scan().ids) == COUNT

    def test_a_moved_photograph_keeps_its_labels(self, folder, studio):
        given = label(studio)
        one = studio.listed.photographs[5]
        (folder / "sub").mkdir()
        (folder / one.path).rename(folder / "sub" / "other.jpg")
        assert studio.scan().moved == (one.id,)
        assert studio.said().labels[one.id] == (given[one.id],)
        assert studio.path(studio.listed.photographs[studio.listed.place[one.id]]).is_file()

    def test_what_turns_out_to_be_alike_to_the_test_set_is_not_trained_on(
        self, studio, monkeypatch
    ):
        listed = studio.listed
        i, j = (listed.parts.index(part) for part in ("training", "test"))
        alike = near_duplicates.NearDuplicates(((i, j, 0.99),), ((i, j),), (), ())
        monkeypatch.setattr(near_duplicates, "find", lambda looks: alike)
        (studio.own / scan.NOTED_FILE).unlink()
        studio.scan()
        assert (studio.listed.parts[i], studio.listed.parts[j]) == ("neither", "test")
        label(studio, but=waiting(studio, "training"))
        assert train(studio).state == "done"
        number = listed.photographs[i].id
        assert number not in studio._guessed.labeled.ids
        assert studio.suggestions([number])[1] == {}

    def test_a_scan_that_is_canceled_changes_nothing(self, folder, studio):
        before = studio.listed
        studio_photographs.draw(folder / "more", 3, seed=9)
        job = service.jobs.Job()
        job.cancel()
        with pytest.raises(service.jobs.Canceled):
            studio.scan(job)
        assert studio.listed is before

    def test_an_empty_folder_is_refused(self, tmp_path):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "a.txt").write_text("x")
        studio = service.Studio(tmp_path / "empty")
        with pytest.raises(folders.NotAnImageFolder, match="no photograph") as caught:
            studio.scan()
        assert "a.txt" in str(caught.value)
        studio.close()


def paths_of(studio: service.Studio):
    listed = studio.listed
    return lambda number: listed.photographs[listed.place[number]].path


class TestImages:
    def test_it_is_reduced_and_never_enlarged(self, folder, studio):
        number = studio.listed.photographs[0].id
        sizes = {}
        for side in (128, 256, 512, 1024):
            content, sha256 = studio.image(number, side)
            image = Image.open(io.BytesIO(content))
            sizes[side] = image.size
            assert image.format == "JPEG" and not image.getexif()
            assert sha256 == studio.listed.photographs[0].sha256
        assert sizes == dict.fromkeys(sizes, (96, 72))

    def test_a_large_one_is_reduced(self, folder, opened):
        random = np.random.default_rng(0)
        pixels = random.integers(0, 255, (900, 2100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "large.png")
        studio = opened()
        studio.scan()
        number = next(one.id for one in studio.listed.photographs if one.path == "large.png")
        for side in (128, 1024, 2048):
            image = Image.open(io.BytesIO(studio.image(number, side)[0]))
            assert max(image.size) == side and image.width / image.height == pytest.approx(
                7 / 3, rel=0.02
            )

    def test_a_thumbnail_that_was_cut_short_is_made_anew(self, studio):
        one = studio.listed.photographs[0]
        whole, _ = studio.image(one.id, 256)
        [kept] = studio.own.glob(f"thumbnails/{one.sha256[:2]}/{one.sha256[2:]}-256.jpg")
        kept.write_bytes(whole[: len(whole) // 2])
        assert Image.open(io.BytesIO(studio.image(one.id, 256)[0])).size == (96, 72)

    def test_another_photograph_is_not_shown_under_its_name(self, folder, studio):
        one, other = studio.listed.photographs[:2]
        kept = (folder / one.path).read_bytes()
        (folder / one.path).write_bytes((folder / other.path).read_bytes())
        for side in (512, 1024):
            with pytest.raises(reading.UnreadableImage, match="changed since it was listed"):
                studio.image(one.id, side)
        (folder / one.path).write_bytes(kept)
        assert studio.image(one.id, 512)[0] != studio.image(other.id, 512)[0]

    def test_no_path_leads_out_of_the_folder(self, folder, studio):
        one = studio.listed.photographs[0]
        (folder.parent / "secret.jpg").write_bytes(b"x")
        for path in ("../secret.jpg", str(folder.parent / "secret.jpg")):
            with pytest.raises(store.Unknown, match="outside the folder"):
                studio.path(dataclasses.replace(one, path=path))

    def test_an_unknown_one_is_refused(self, studio):
        with pytest.raises(store.Unknown):
            studio.image(99_999, 256)


class TestTraining:
    def test_from_labels_to_a_report_and_queues(self, studio):
        left = waiting(studio, "training")
        label(studio, but=left)
        work = train(studio)
        assert (work.kind, work.state) == ("training", "done"), work.doing
        version, tested = studio.report()
        assert version.number == 1 and tested.accuracy.value == 1
        assert tested.accuracy.count == len(studio.listed.test_order) > 0
        assert version.made.last_event == studio.store.last_event()
        for name in ("uncertain", "disagreeing", "random"):
            assert sorted(one.photograph_id for one in studio.queue(name, 100)) == sorted(left)
        assert studio.queue("mislabeled", 100)
        number, guesses = studio.suggestions(left)
        assert number == 1
        right = {one.id: 1 + color(one) for one in studio.listed.photographs}
        assert {i: some[0][0] for i, some in guesses.items()} == {i: right[i] for i in left}

    def test_a_planted_wrong_label_is_found_and_leaves_when_it_was_looked_at(self, studio):
        wrong = waiting(studio, "training")[0]
        label(studio, wrong=[wrong])
        train(studio)
        assert studio.queue("mislabeled", 100)[0].photograph_id == wrong
        [guesses] = studio.suggestions([wrong])[1].values()
        assert guesses[0][0] == 1 + color_of(studio, wrong), "not the label that it was given"
        assert studio.surest_mistakes()[0].photograph_id == wrong
        label(studio)
        assert all(one.photograph_id != wrong for one in studio.queue("mislabeled", 100))

    def test_nothing_is_ever_suggested_of_the_test_set(self, studio):
        left = waiting(studio, "test")
        label(studio, but=left)
        train(studio)
        of_test = set(studio.listed.test_order)
        _, guesses = studio.suggestions(studio.listed.ids.tolist())
        assert len(guesses) > COUNT / 2 and not of_test & guesses.keys()
        assert not of_test & {one.photograph_id for one in studio.surest_mistakes()}
        for name in set(service.QUEUES) - {"test", "second"}:
            assert not of_test & {one.photograph_id for one in studio.queue(name, 100)}, name
        order = [one for one in studio.listed.test_order if one in left]
        assert [one.photograph_id for one in studio.queue("test", 100)] == order
        assert not of_test & {i for one in studio.clusters(3) for i in one.members}

    def test_each_labeler_gets_an_order_of_their_own_that_stays(self, studio):
        def order(labeler: int | None) -> list[int]:
            return [one.photograph_id for one in studio.queue("random", 100, labeler)]

        orders = [order(labeler) for labeler in (None, 1, 2)]
        assert orders == [order(labeler) for labeler in (None, 1, 2)]
        assert len({tuple(one) for one in orders}) == 3
        assert len({frozenset(one) for one in orders}) == 1

    def test_too_few_labels_end_it_with_a_sentence(self, studio):
        work = train(studio)
        assert work.state == "failed" and "no photograph is labeled yet" in work.doing
        assert studio.report() == (None, None)
        with pytest.raises(service.NotYet, match="there is no model yet"):
            studio.queue("uncertain", 10)

    def test_without_a_network_labels_go_on(self, opened):
        def build():
            raise sources.DataUnavailable("the weights", [("canonical", "no network")])

        studio = opened(recipe=recipe_of(build))
        studio.scan()
        label(studio)
        work = train(studio)
        assert work.state == "failed" and "no network" in work.doing
        assert len(studio.queue("random", 10)) == 0 and studio.said().labels

    def test_a_mistake_in_the_program_is_said_to_be_one(self, opened, capsys):
        def build():
            raise ZeroDivisionError("oh")

        studio = opened(recipe=recipe_of(build))
        studio.scan()
        studio.start("features")
        work = studio.wait()
        assert work.state == "failed" and "mistake in this program" in work.doing
        assert "ZeroDivisionError" in capsys.readouterr().err

    def test_it_can_be_canceled_and_what_is_kept_stays(self, folder, opened):
        eye = Held()
        studio = opened(recipe=recipe_of(lambda: eye))
        studio.scan()
        label(studio)
        studio.start("training")
        assert eye.asked.wait(30)
        assert studio.work.state == "running"
        with pytest.raises(service.Running, match="a training is running"):
            studio.start("scan")
        studio.cancel()
        eye.go.set()
        assert studio.wait().state == "canceled"
        assert studio.current_version() is None
        there = np.isfinite(studio.features()).all(axis=1)
        assert there.sum() == features.BATCH_SIZE
        assert train(studio).state == "done"

    def test_training_takes_over_from_features(self, opened):
        eye = Held()
        studio = opened(recipe=recipe_of(lambda: eye))
        studio.scan()
        label(studio)
        studio.start("features")
        assert eye.asked.wait(30)
        studio.start("training")
        eye.go.set()
        work = studio.wait()
        assert (work.kind, work.state) == ("training", "done"), work.doing

    def test_closing_ends_it(self, opened):
        eye = Held()
        studio = opened(recipe=recipe_of(lambda: eye))
        studio.scan()
        studio.start("features")
        assert eye.asked.wait(30)
        closing = threading.Thread(target=studio.close)
        closing.start()
        eye.go.set()
        closing.join(20)
        assert not closing.is_alive() and studio.work.state == "canceled"
        with pytest.raises(service.Running, match="stopping"):
            studio.start("features")


class TestVersions:
    def test_one_goes_back_and_two_are_compared(self, studio):
        every = [one.id for one in studio.listed.photographs]
        label(studio, wrong=every[::2])
        train(studio)
        label(studio)
        train(studio)
        assert studio.current_version() == 2
        found = studio.compare(1, 2)
        assert found.first.accuracy.value < found.second.accuracy.value == 1
        assert studio.suggestions(every)[1]
        studio.roll_back(1)
        assert studio.current_version() == 1
        assert studio.report()[1].accuracy == found.first.accuracy
        assert studio.suggestions(every) == (1, {}), "it has met all that are labeled"
        assert studio.versions.numbers() == [1, 2]

    def test_opened_again_all_is_there_without_the_network(self, studio, opened):
        left = waiting(studio, "training")
        label(studio, but=left)
        train(studio)
        before = studio.suggestions(left), studio.report()[1].accuracy
        studio.close()

        def build():
            raise AssertionError("the network was built again")

        again = opened(recipe=recipe_of(build))
        again.scan()
        assert (again.suggestions(left), again.report()[1].accuracy) == before
        assert [one.photograph_id for one in again.queue("uncertain", 10)]
        with pytest.raises(service.NotYet, match="train now"):
            again.queue("disagreeing", 10)
        assert again.surest_mistakes() is None

    def test_merged_classes_count_as_one(self, studio):
        label(studio, but=waiting(studio, "training"))
        train(studio)
        studio.store.merge_class(1, 3, 1)
        _, guesses = studio.suggestions(studio.listed.ids.tolist())
        assert {class_id for some in guesses.values() for class_id, _ in some} <= {1, 2}
        _, tested = studio.report()
        assert tested.task.class_ids == (1, 2)
        assert tested.confusion.sum() == len(studio.listed.test_order)

    def test_another_recipe_asks_for_a_training(self, studio, opened):
        label(studio)
        train(studio)
        studio.close()
        other = opened(recipe=dataclasses.replace(studio_photographs.recipe(), name="other"))
        other.scan()
        with pytest.raises(service.NotYet, match="other features"):
            other.queue("uncertain", 10)
        assert other.suggestions([1]) == (None, {})
        assert other.report()[1] is None


class TestQueues:
    def test_an_unknown_one_is_refused(self, studio):
        with pytest.raises(store.Unknown, match="no queue"):
            studio.queue("nonsense", 10)

    def test_a_second_labeler_gets_what_others_have_labeled(self, studio):
        given = label(studio, but=studio.listed.ids[10:].tolist())
        ben = studio.store.labeler("Ben")
        mine = next(iter(given))
        answer = opinions.Answer(mine, "label", (1 + given[mine] % 3,), studio.store.last_event())
        studio.store.label(ben.id, [answer])
        asked = {one.photograph_id for one in studio.queue("second", 100, ben.id)}
        assert asked == given.keys() - {mine}
        assert [one.photograph_id for one in studio.queue("disputed", 100)] == [mine]

    def test_near_duplicates_of_different_labels(self, folder, opened):
        studio_photographs.draw(folder, COUNT)
        shutil.copy(folder / "photo 00000.jpg", folder / "photo 00901.jpg")
        studio = opened(test_share=0.01)
        studio.scan()
        label(studio)
        [pair] = studio.duplicates(10)
        assert isinstance(pair, queues.Pair)
        paths = {paths_of(studio)(number) for number in (pair.first, pair.second)}
        assert paths == {"photo 00000.jpg", "photo 00901.jpg"}

    def test_what_photographs_look_like_has_to_be_computed_first(self, studio):
        with pytest.raises(service.NotYet, match="not computed yet"):
            studio.clusters(3)
        studio.start("features")
        assert studio.wait().state == "done"
        found = studio.clusters(9)
        colors = [[color_of(studio, i) for i in one.members] for one in found]
        most = sum(max(map(some.count, some)) for some in colors)
        assert most > 0.8 * sum(map(len, colors))

    def test_several_classes_a_photograph(self, opened):
        studio = opened(multi_label=True)
        studio.scan()
        left = waiting(studio, "training")
        label(studio, but=left)
        assert train(studio).state == "done"
        assert {one.photograph_id for one in studio.queue("uncertain", 100)} == set(left)
        assert studio.report()[1].confusion.shape == (3, 2, 2)


def color_of(studio: service.Studio, number: int) -> int:
    return color(studio.listed.photographs[studio.listed.place[number]])


def test_labels_of_now_are_seen_at_once(studio):
    label(studio)
    before = studio.said()
    assert studio.said() is before, "computed once"
    studio.store.undo(1)
    assert studio.said().labels == {}
    assert isinstance(linear.CannotLearn("x"), service.EXPECTED)
