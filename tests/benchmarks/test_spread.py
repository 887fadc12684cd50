import pytest

from benchmarks.spread import differences, ratios, spread


def test_a_spread_is_the_median_with_its_quartiles():
    one = spread([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (one.lower, one.median, one.upper, one.count) == (2.0, 3.0, 4.0, 5)


def test_one_wild_round_moves_no_median():
    assert spread([1.0, 1.0, 1.0, 1.0, 1000.0]).median == 1.0


def test_a_single_figure_is_its_own_spread():
    assert spread([7.0]) == spread([7.0, 7.0][:1])
    assert (spread([7.0]).lower, spread([7.0]).upper) == (7.0, 7.0)


def test_no_figures_have_no_spread():
    with pytest.raises(ValueError, match="no figures"):
        spread([])


def test_rounds_are_compared_with_those_of_their_own_rotation():
    assert differences([3.0, 30.0], [1.0, 10.0]) == [2.0, 20.0]
    assert ratios([3.0, 30.0], [1.0, 10.0]) == [3.0, 3.0]


def test_rotations_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="zip"):
        differences([1.0], [1.0, 2.0])


def test_a_base_that_drowned_in_noise_gives_no_ratio():
    assert ratios([1.0, 2.0], [-0.1, 1.0]) == [2.0]
    with pytest.raises(ValueError, match="no rotation"):
        ratios([1.0], [0.0])
