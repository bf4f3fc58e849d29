"""neurons_losses_gradients: what the drawings show."""

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
