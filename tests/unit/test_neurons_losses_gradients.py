"""neurons_losses_gradients: what the drawings show."""

import json

import numpy as np
import pytest
from matplotlib import pyplot as plt

from seeing.lessons import neurons_losses_gradients as lessons

SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.fixture
def axis():
    figure, made = plt.subplots()
    yield made
    plt.close(figure)


class TestGate:
    def test_each_target_has_its_own_marker(self, axis):
        lessons.draw_gate(axis, SQUARE, [0, 1, 1, 0], title="XOR")
        crosses, disks = axis.lines
        assert (crosses.get_marker(), disks.get_marker()) == ("X", "o")
        np.testing.assert_array_equal(disks.get_xydata(), SQUARE[1:3])
        assert axis.get_title() == "XOR"

    @pytest.mark.parametrize("weights", [(1.0, 1.0), (0.1, 2.0), (2.0, 0.1), (1.0, 0.0)])
    def test_a_line_is_where_the_sum_is_zero(self, axis, weights):
        lessons.draw_gate(axis, SQUARE, [0, 0, 0, 1], lines=[(weights, -0.7)])
        places = axis.lines[-1].get_xydata()
        np.testing.assert_allclose(places @ weights, 0.7)

    def test_a_target_too_few_is_refused(self, axis):
        with pytest.raises(ValueError, match="4 points, but 3 targets"):
            lessons.draw_gate(axis, SQUARE, [0, 1, 1])


class TestNetwork:
    def test_it_has_a_line_a_weight_and_a_circle_a_number(self, axis):
        lessons.draw_network(axis, [2, 3, 1], ["input", "hidden", "output"])
        assert len(axis.lines) == 2 * 3 + 3 * 1
        assert len(axis.patches) == 2 + 3 + 1
        assert [text.get_text() for text in axis.texts] == ["input", "hidden", "output"]

    def test_a_name_too_few_is_refused(self, axis):
        with pytest.raises(ValueError, match="3 layers, but 2 names"):
            lessons.draw_network(axis, [2, 3, 1], ["input", "output"])


def test_steps_lie_on_the_parabola(axis):
    lessons.draw_descent(axis, 2.0, [3.0, -1.0, 0.5], title="steps")
    steps, ring = (line.get_xydata() for line in axis.lines[-2:])
    np.testing.assert_array_equal(ring, [[3.0, 9.0]])
    np.testing.assert_allclose(steps[:, 1], steps[:, 0] ** 2)
    assert axis.get_title() == "steps"


def test_each_path_has_its_name_and_lies_in_sight(axis):
    paths = {"straight": np.array([[1.0, 1], [0, 0]]), "bent": np.array([[1.0, 1], [3, -2]])}
    lessons.draw_paths(axis, (1.0, 25.0), paths)
    assert [line.get_label() for line in axis.lines] == ["straight", "bent"]
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    assert left < 0 and right > 3 and low < -2 and high > 1


def cosine_well(w: float) -> tuple[float, float]:
    """1 - cos(w) and its slope: no parabola, of curvature 1 at 0."""
    return 1 - np.cos(w), np.sin(w)


PRESETS = {"small": (0.2, 10), "large": (1.7, 8), "too large": (2.2, 8)}


def test_the_demo_gets_curves_and_walks(tmp_path):
    path = tmp_path / "exports" / "descent.json"
    parabola = lessons.Curve("parabola", curvature=2.0, start=-3.0, reach=4.0)
    well = lessons.Curve("well", curvature=1.0, start=-2.0, reach=2.5, at=cosine_well)
    written = lessons.write_demo(path, [parabola, well], PRESETS)
    assert json.loads(path.read_text(encoding="utf-8")) == written
    assert written["format"] == lessons.DEMO_FORMAT
    assert written["presets"][1] == {"name": "large", "rate": 1.7, "steps": 8}

    plain, table = written["losses"]
    assert plain == {"name": "parabola", "curvature": 2.0, "start": -3.0, "reach": 4.0}
    places = np.linspace(-2.5, 2.5, lessons.PLACES)
    np.testing.assert_allclose(table["values"], 1 - np.cos(places), atol=1e-9)
    np.testing.assert_allclose(table["slopes"], np.sin(places), atol=1e-9)

    small, large, too_large = written["walks"][0]
    np.testing.assert_allclose(small, -3 * 0.8 ** np.arange(11))
    np.testing.assert_allclose(large, -3 * (-0.7) ** np.arange(9))
    np.testing.assert_allclose(too_large, -3 * (-1.2) ** np.arange(9))
    first = written["walks"][1][0][:2]
    np.testing.assert_allclose(first, [-2, -2 + 0.2 * np.sin(2)])


def test_a_walk_ends_where_the_curve_is_not_known():
    cliff = lessons.Curve("cliff", 1.0, start=-2.0, reach=2.1, at=lambda w: (w * w / 2, w))
    assert cliff.walk(2.2, 8) == [-2.0]
    assert len(lessons.Curve("parabola", 1.0, start=-2.0, reach=2.1).walk(2.2, 8)) == 9


@pytest.mark.parametrize("start", [4.1, -5.0, np.nan])
def test_a_walk_begins_within_reach(tmp_path, start):
    curve = lessons.Curve("steep", 2.0, start=start, reach=4.0)
    with pytest.raises(ValueError, match="steep: the walk starts at"):
        lessons.write_demo(tmp_path / "descent.json", [curve], PRESETS)
    assert not (tmp_path / "descent.json").exists()


def test_the_demo_of_softmax_gets_what_keras_says(tmp_path):
    path = tmp_path / "exports" / "softmax.json"
    written = lessons.write_softmax_demo(path, ("a", "b"), {"one": ((2.0, 5.0), 1)})
    assert json.loads(path.read_text(encoding="utf-8")) == written
    (found,) = written["by_keras"]
    np.testing.assert_allclose(found["softmax"], [0.0474258732, 0.9525741268], atol=1e-9)
    np.testing.assert_allclose(found["slopes"], [0.0474258732, -0.0474258732], atol=1e-9)
    assert found["categorical"] == pytest.approx(np.log1p(np.exp(-3)))
    assert found["binary"] == pytest.approx((np.log1p(np.exp(2)) + np.log1p(np.exp(-5))) / 2)
    assert found["squared"] == pytest.approx(0.0474258732**2)
    assert found["hinge"] == 0


@pytest.mark.parametrize("preset", [((1.0,), 0), ((1.0, 2.0), 2), ((1.0, 2.0), -1)])
def test_an_example_that_no_demo_can_show_is_refused(tmp_path, preset):
    with pytest.raises(ValueError, match=r"odd: .* expected 2 logits"):
        lessons.write_softmax_demo(tmp_path / "a.json", ("a", "b"), {"odd": preset})
    assert not list(tmp_path.iterdir())
