import math

from instrumentation import exemplars as module
from instrumentation.exemplars import Exemplars

ONE, TWO = "1" * 32, "2" * 32
EDGES = (10.0, 100.0)


def test_each_bucket_keeps_its_last_traced_request():
    kept = Exemplars(EDGES, None)
    note = kept.of("GET", "/x")
    note(5.0, TWO)
    note(7.0, ONE)
    note(10.0, TWO)  # an upper edge belongs to its bucket
    note(5000.0, TWO)
    newest = kept.newest()[("GET", "/x")]
    assert {edge: (one.trace_id, one.value) for edge, one in newest.items()} == {
        10.0: (TWO, 10.0),
        math.inf: (TWO, 5000.0),
    }


def test_the_newest_of_all_workers_is_taken(tmp_path):
    mine = Exemplars(EDGES, tmp_path)
    mine.of("GET", "/x")(5.0, ONE)
    (tmp_path / "exemplars_4242.page").write_bytes(next(tmp_path.iterdir()).read_bytes())
    mine.of("GET", "/y")
    note = mine.of("GET", "/x")
    note(6.0, TWO)
    reader = Exemplars(EDGES, tmp_path)
    assert reader.newest()[("GET", "/x")][10.0].trace_id == TWO


def test_series_beyond_the_last_row_go_without(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 1)
    kept = Exemplars(EDGES, None)
    kept.of("GET", "/x")(5.0, ONE)
    kept.of("GET", "/y")(5.0, ONE)
    assert set(kept.newest()) == {("GET", "/x")}


def test_a_route_whose_name_is_too_long_for_a_row_goes_without():
    kept = Exemplars(EDGES, None)
    kept.of("GET", "/" + "x" * 300)(5.0, ONE)
    assert kept.newest() == {}


def test_a_page_that_is_only_just_made_is_no_error(tmp_path):
    (tmp_path / "exemplars_11.page").touch()
    assert Exemplars(EDGES, tmp_path).newest() == {}
