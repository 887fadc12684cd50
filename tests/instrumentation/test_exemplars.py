import math

from instrumentation import exemplars as module
from instrumentation.exemplars import Exemplars
from instrumentation.worker_files import forget_live_gauges

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
    (tmp_path / "exemplars_service_4242.page").write_bytes(next(tmp_path.iterdir()).read_bytes())
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
    (tmp_path / "exemplars_service_11.page").touch()
    assert Exemplars(EDGES, tmp_path).newest() == {}


def test_two_applications_of_one_process_keep_their_exemplars_apart(tmp_path):
    one = Exemplars(EDGES, tmp_path, name="shop")
    two = Exemplars((1.0, 2.0, 3.0), tmp_path, name="shop_admin")
    one.of("GET", "/basket")(5.0, ONE)
    two.of("GET", "/users")(2.5, TWO)
    assert {series: set(edges) for series, edges in one.newest().items()} == {
        ("GET", "/basket"): {10.0}
    }
    assert {series: set(edges) for series, edges in two.newest().items()} == {
        ("GET", "/users"): {3.0}
    }


def test_a_worker_that_ended_takes_the_pages_of_all_its_applications_along(tmp_path):
    for name in ("shop", "shop_admin"):
        (tmp_path / f"exemplars_{name}_4242.page").touch()
        (tmp_path / f"exemplars_{name}_14242.page").touch()
    forget_live_gauges(tmp_path, 4242)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["exemplars_shop_14242.page", "exemplars_shop_admin_14242.page"]
