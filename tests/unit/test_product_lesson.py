"""product: an unsorted folder, a simulated labeler, a project and a server, of chapter 13."""

import io
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seeing.lessons import product
from seeing.photos import reading
from seeing.studio import draw, learner, queues

MANY = 4_000


@pytest.fixture
def paths(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Five photographs that differ."""
    random, found = np.random.default_rng(0), []
    for i in range(5):
        found.append(tmp_path / "kinds" / str(i) / f"flower{i}.png")
        found[-1].parent.mkdir(parents=True)
        Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(found[-1])
    return found


class TestUnsorted:
    def test_every_photograph_is_there_under_a_name_that_says_nothing(self, paths, tmp_path):
        source = product.write_unsorted(paths, tmp_path / "all")
        assert set(source.values()) == set(range(5)) and len(source) == 7
        for name, i in source.items():
            assert paths[i].stem not in name
            if name != "0006.png":
                assert (tmp_path / "all" / name).read_bytes() == paths[i].read_bytes()

    def test_a_copy_a_smaller_one_and_a_damaged_one_are_planted(self, paths, tmp_path):
        folder = tmp_path / "all"
        source = product.write_unsorted(paths, folder)
        files = sorted(path.name for path in folder.iterdir())
        assert files == [f"{i:04}.png" for i in range(8)]
        assert (folder / "0005.png").read_bytes() == (folder / "0000.png").read_bytes()
        assert source["0006.png"] == source["0001.png"]
        assert reading.read_image(folder / "0006.png").shape == (32, 40, 3)
        assert "0007.png" not in source
        with pytest.raises(reading.UnreadableImage):
            reading.read_image(folder / "0007.png")

    def test_another_seed_gives_another_order(self, paths, tmp_path):
        orders = [
            tuple(product.write_unsorted(paths, tmp_path / str(seed), seed=seed).values())
            for seed in range(4)
        ]
        assert len(set(orders)) > 1

    def test_two_photographs_are_too_few(self, paths, tmp_path):
        with pytest.raises(ValueError, match="expected 3 or more"):
            product.write_unsorted(paths[:2], tmp_path / "all")


class TestLabeler:
    def test_without_errors_every_answer_is_right(self):
        truth = np.arange(50) % 5
        labeler = product.Labeler(truth, 5)
        assert [labeler.says(i) for i in range(50)] == truth.tolist()
        assert [labeler.says(i, 4) for i in range(50)] == truth.tolist()

    @given(st.integers(0, 1_000), st.integers(2, 6))
    def test_whoever_always_errs_never_names_the_right_class(self, seed, n_classes):
        truth = np.arange(30) % n_classes
        labeler = product.Labeler(truth, n_classes, errs=1.0, seed=seed)
        said = [labeler.says(i) for i in range(30)]
        assert all(0 <= label < n_classes for label in said)
        assert not any(label == right for label, right in zip(said, truth, strict=True))

    def test_errors_come_as_often_as_told_and_of_every_class(self):
        labeler = product.Labeler(np.zeros(MANY, int), 5, errs=0.2, seed=3)
        said = np.bincount([labeler.says(i) for i in range(MANY)], minlength=5) / MANY
        assert said[0] == pytest.approx(0.8, abs=0.03)
        assert said[1:] == pytest.approx(np.full(4, 0.05), abs=0.02)

    def test_a_suggestion_is_accepted_as_often_as_told(self):
        labeler = product.Labeler(np.zeros(MANY, int), 5, accepts=0.3)
        said = [labeler.says(i, 2) for i in range(MANY)]
        assert np.mean(np.array(said) == 2) == pytest.approx(0.3, abs=0.03)

    def test_what_is_accepted_is_drawn_apart_from_what_is_wrong(self):
        labeler = product.Labeler(np.zeros(MANY, int), 5, errs=0.5, accepts=0.5)
        said = [labeler.says(i, 0) for i in range(MANY)]
        assert np.mean(np.array(said) == 0) == pytest.approx(0.75, abs=0.03)

    def test_the_same_question_gets_the_same_answer_in_any_order(self):
        labeler = product.Labeler(np.zeros(40, int), 3, errs=0.5, seed=1)
        forward = [labeler.says(i) for i in range(40)]
        assert forward == [labeler.says(i) for i in reversed(range(40))][::-1]


@pytest.fixture
def project() -> product.Project:
    """Sixty photographs of three kinds, the first two of which show the same."""
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 4)).astype("float32") + np.arange(60)[:, np.newaxis] % 3
    files = [f"{i:064x}" for i in range(60)]
    dealt = draw.deal(files, [[0, 1]], [None] * 60, seed=0, share=0.3)
    return product.Project(X, dealt, n_classes=3, tested=10)


class TestProject:
    def test_each_photograph_is_in_the_test_set_or_in_the_pool_or_comes_later(self, project):
        everywhere = [*project.test_order, *project.pool, *project.later]
        assert sorted(everywhere) == list(range(60))
        assert len(project.later) > 3

    def test_those_of_the_highest_lots_come_later(self, project):
        lots = [[project.places[i].number for i in some] for some in (project.pool, project.later)]
        assert max(lots[0]) < 1 - product.LATER <= min(lots[1])
        assert lots[1] == sorted(lots[1])

    def test_the_test_set_is_in_the_order_of_its_draw(self, project):
        numbers = [project.places[i].number for i in project.test_order]
        assert numbers == sorted(numbers)

    def test_only_the_first_of_the_draw_count(self, project):
        tested = project.test_set(np.arange(60) % 3)
        assert sorted(tested.ids) == sorted(project.test_order[:10])
        assert (tested.Y.argmax(axis=1) == tested.ids % 3).all()

    def test_queues_propose_what_waits_in_the_pool(self, project):
        labels = {int(i): 0 for i in project.pool[:5]}
        found = queues.at_random(project.photographs(labels), limit=100)
        assert {one.photograph_id for one in found} == set(project.pool[5:].tolist())

    def test_what_is_labeled_can_be_learned_apart_from_the_test(self, project):
        labels = {int(i): int(i % 3) for i in project.pool}
        labeled = project.labeled(labels)
        learner.require_apart(labeled, project.test_set(np.arange(60) % 3))
        assert len(labeled) == len(project.pool)
        assert labeled.groups[0] == project.places[labeled.ids[0]].group

    def test_the_scaling_knows_nothing_of_the_test_set(self, project):
        assert project.scaling.mean == pytest.approx(project.X[project.pool].mean(axis=0), rel=1e-5)


class TestFound:
    def test_counts_what_the_first_part_of_a_list_holds(self):
        shares = product.found_by([4, 1, 3, 0, 2], [1, 2], [0.0, 0.2, 0.4, 1.0])
        assert shares == [0.0, 0.0, 0.5, 1.0]

    def test_nothing_cannot_be_found(self):
        with pytest.raises(ValueError, match="nothing was planted"):
            product.found_by([1, 2], [], [1.0])


class Answering:
    """In the place of a network: names the brighter half of photographs "day"."""

    def views(self, path: pathlib.Path) -> np.ndarray:
        return reading.read_square(path, 32)[np.newaxis]

    def probabilities(self, photographs) -> np.ndarray:
        bright = np.array([views.mean() > 127 for views in photographs], dtype="float32")
        return np.stack([bright, 1 - bright], axis=1)


def test_a_server_is_asked_and_stops(tmp_path: pathlib.Path) -> None:
    api = pytest.importorskip("seeing.app.api")
    pytest.importorskip("uvicorn")
    for name, gray in (("day", 250), ("night", 5)):
        content = io.BytesIO()
        Image.new("RGB", (40, 40), (gray,) * 3).save(content, "PNG")
        (tmp_path / f"{name}.png").write_bytes(content.getvalue())
    paths = [tmp_path / "day.png", tmp_path / "night.png"]
    app = api.build(Answering(), ("day", "night"))
    with product.serving(app) as address:
        seconds, answers = product.ask(address, paths, count=6)
    assert answers == ["day", "night"] * 3
    assert len(seconds) == 6 and min(seconds) > 0
    with pytest.raises(OSError):
        product.ask(address, paths, count=1)
