"""The room on a disk is what the system says, and a disk that is gone has no series."""

import os

import pytest

from instrumentation.disks import folder_of_file, watch_disk
from stack.waiting import wait_until

FAILURES = 'softfactory_background_failures_total{task="disks"}'


def free(name):
    return f'softfactory_disk_free_bytes{{volume="{name}"}}'


@pytest.fixture
def text():
    return lambda app: app.test_client().get("/api/metrics/prometheus").text


def test_the_disk_of_the_log_is_told_from_the_first_scrape_on(make_app, value, tmp_path):
    app = make_app()
    about = os.statvfs(tmp_path)
    assert value(app, 'softfactory_disk_size_bytes{volume="logs"}') == (
        about.f_blocks * about.f_frsize
    )
    assert 0 < value(app, free("logs")) <= about.f_blocks * about.f_frsize


def test_a_log_that_is_no_file_has_no_disk(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert folder_of_file(tmp_path / "pipe") is None


def test_a_log_that_is_a_link_is_on_the_disk_of_its_target(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "app.log").symlink_to(tmp_path / "elsewhere" / "real.log")
    assert folder_of_file(tmp_path / "app.log") == tmp_path / "elsewhere"


def test_a_folder_that_vanishes_takes_its_series_along_and_counts_as_failure(
    make_app, value, text, tmp_path
):
    app = make_app()
    folder = tmp_path / "data"
    folder.mkdir()
    watch_disk(app.extensions["instrumentation"], "data", folder)
    app.extensions["instrumentation"].start()
    assert value(app, free("data")) > 0
    folder.rmdir()
    wait_until(lambda: free("data") not in text(app), what="no series", timeout_seconds=30)
    wait_until(lambda: value(app, FAILURES) > 0, what="a failure", timeout_seconds=30)
    assert value(app, free("logs")) > 0
    folder.mkdir()
    wait_until(lambda: free("data") in text(app), what="the series", timeout_seconds=30)


def test_a_folder_that_is_not_there_yet_keeps_nobody_from_starting(make_app, text, tmp_path):
    app = make_app()
    watch_disk(app.extensions["instrumentation"], "later", tmp_path / "later")
    assert free("later") not in text(app)


def test_a_name_in_use_is_refused(make_app, tmp_path):
    with pytest.raises(ValueError, match="'logs' is watched already"):
        watch_disk(make_app().extensions["instrumentation"], "logs", tmp_path)
