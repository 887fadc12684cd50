"""What the demo's command can't do ends in one line and a status that is not 0, in this process."""

import instrumentation.demo.__main__ as demo


def refused(capsys, *arguments):
    """Return the one line with which a command ends that can't do its work."""
    assert demo.main(list(arguments)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_where_its_folder_can_not_be_made_it_says_so(tmp_path, monkeypatch, capsys):
    for name in ("STRIPE_API_KEY_FILE", "STRIPE_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").write_text("somebody's file")  # as good as a folder that is read-only
    assert refused(capsys, "up", "--port", "0") == "softfactory: var: File exists"


def test_a_socket_that_was_not_handed_over_is_one_line(capsys):
    line = refused(capsys, "serve", "--listen-fd=9999")
    assert line == "softfactory: serve: Bad file descriptor"
