"""The demo's backup writes the record that the service reads, and only after a verified dump."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from instrumentation.demo.backup_record import read_backup_record

ROOM = Path(__file__).resolve().parents[3] / "stack/compose"


def back_up(tmp_path: Path, *, listing: str, dumps: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the script once, with doubles of PostgreSQL's programs; its sleep ends it."""
    programs, backups = tmp_path / "bin", tmp_path / "backups"
    programs.mkdir(exist_ok=True)
    backups.mkdir(exist_ok=True)
    write = 'for word; do case "$word" in --file=*) echo dump >"${word#--file=}" ;; esac; done'
    for name, script in (
        ("pg_dump", f"{write}\nexit {dumps}"),
        ("pg_restore", f"echo '{listing}'"),
        ("sleep", "exit 1"),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return subprocess.run(
        ["sh", str(ROOM / "postgres/backup.sh")],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "BACKUP_DIR": str(backups)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_verified_dump_is_recorded_as_the_service_reads_it(tmp_path: Path) -> None:
    done = back_up(tmp_path, listing="1; 0 1 TABLE DATA public users softfactory")
    record = read_backup_record(tmp_path / "backups/last-backup.json")
    assert record is not None, done.stderr
    assert Path(record.path).read_text() == "dump\n"
    assert record.bytes == len("dump\n")
    assert Path(record.path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("listing", "dumps"), [("1; 0 1 COMMENT", 0), ("1; TABLE DATA", 1)], ids=["empty", "failed"]
)
def test_a_dump_that_holds_nothing_or_failed_is_not_recorded(
    tmp_path: Path, listing: str, dumps: int
) -> None:
    assert back_up(tmp_path, listing=listing, dumps=dumps).returncode != 0
    # A draft may be left; the next one replaces it.
    assert {path.name for path in (tmp_path / "backups").iterdir()} <= {".partial.dump"}


@pytest.mark.parametrize("script", ["postgres/backup.sh", "logstash/start.sh"])
def test_a_script_is_what_a_shell_can_read(script: str) -> None:
    subprocess.run(["sh", "-n", str(ROOM / script)], check=True)
