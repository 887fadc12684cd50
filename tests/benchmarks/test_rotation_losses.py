import json

from benchmarks.rotation_losses import Found, read


def line(message):
    return json.dumps({"message": message}) + "\n"


def test_lost_torn_and_doubled_records_are_told_apart(tmp_path):
    (tmp_path / "app.log").write_text(line("0 0") + line("1 0") + '{"message": "1 ')
    (tmp_path / "app.log.2026-01-01").write_text(line("0 0"))
    (tmp_path / "other").write_text(line("0 1"))
    found = read(tmp_path, processes=2, records=4)
    assert found == Found(files=2, lost=2, torn=1, twice=1)


def test_complete_files_have_no_losses(tmp_path):
    (tmp_path / "app.log").write_text("".join(line(f"0 {number}") for number in range(3)))
    assert read(tmp_path, processes=1, records=3) == Found(files=1, lost=0, torn=0, twice=0)


def test_a_line_that_two_processes_mixed_is_torn(tmp_path):
    (tmp_path / "app.log").write_text(line("0 01 0"))
    assert read(tmp_path, processes=1, records=1) == Found(files=1, lost=1, torn=1, twice=0)
