"""`.env` and the secrets are made once, at random, for their owner alone."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest

from stack.compose import once
from stack.compose.credentials import CREDENTIALS, SHORTEST, Credential, is_unset, refusal
from stack.compose.failure import StackFailure
from stack.compose.once import make_once
from stack.compose.places import Places
from stack.compose.settings import SECRETS_VARIABLE, in_force, make_all, secrets_of, unset
from stack.production import production_files

NAMES = [each.name for each in CREDENTIALS]
CHANNELS = [each.name for each in CREDENTIALS if each.kind == "channel"]
PASSWORD = next(each for each in CREDENTIALS if each.kind == "password")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.delenv(SECRETS_VARIABLE, raising=False)
    room = tmp_path / "stack"
    (room / "compose").mkdir(parents=True)
    places = Places.of(room)
    places.compose_file.write_text("image: ${A_IMAGE:-a:1}\n# ${NOT_ME:-x}\nport: ${A_PORT:-1}\n")
    return places


def everything(places: Places) -> dict[str, str]:
    files = [places.env_file, *places.secrets.iterdir()]
    return {file.name: file.read_text() for file in files}


def test_the_first_time_makes_all_and_the_second_nothing(places: Places) -> None:
    first = make_all(places)
    assert first.env_file
    assert list(first.secrets) == NAMES
    before = everything(places)
    second = make_all(places)
    assert (second.env_file, second.secrets) == (False, ())
    assert everything(places) == before


def test_what_a_person_wrote_is_kept(places: Places) -> None:
    make_all(places)
    mine = places.secrets / "slack_alerts_url"
    mine.write_text("https://hooks.example/mine\n")
    (places.secrets / "elastic_password").unlink()
    assert make_all(places).secrets == ("elastic_password",)
    assert mine.read_text() == "https://hooks.example/mine\n"


def test_only_their_owner_may_read_them(places: Places) -> None:
    make_all(places)
    files = [places.env_file, *places.secrets.iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(places.secrets.stat().st_mode) == 0o700


def test_git_leaves_them_out() -> None:
    root = production_files().rules.parents[1]
    made = Places.here()
    ignored = (root / ".gitignore").read_text().splitlines()
    assert f"/{made.env_file.relative_to(root)}" in ignored
    assert f"/{made.secrets.relative_to(root)}/" in ignored


def test_no_two_passwords_are_the_same_and_none_is_short() -> None:
    made = [each.make() for each in CREDENTIALS * 2 if each.kind != "channel"]
    assert len(set(made)) == len(made)
    assert all(len(text) >= 2 * SHORTEST for text in made)


def test_env_holds_no_secret_and_names_each_setting_with_its_default(places: Places) -> None:
    make_all(places)
    text = places.env_file.read_text()
    assert "\n# A_IMAGE=a:1\n# A_PORT=1\n" in text
    assert "NOT_ME" not in text
    assert not any((places.secrets / name).read_text().strip() in text for name in NAMES)
    assert re.findall(r"^[^#\n].*", text, re.M) == [f"{SECRETS_VARIABLE}=./compose/secrets"]


def test_the_secrets_may_be_elsewhere(places: Places, tmp_path: Path) -> None:
    make_once(places.env_file, f"export {SECRETS_VARIABLE}='{tmp_path}/elsewhere'\n")
    make_all(places)
    assert (tmp_path / "elsewhere" / PASSWORD.name).exists()
    assert not places.secrets.exists()


def test_the_environment_goes_before_env_as_it_does_for_compose(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_all(places)
    monkeypatch.setenv(SECRETS_VARIABLE, "./other")
    assert secrets_of(places) == places.env_file.parent / "other"


@pytest.mark.parametrize("name", ["../.env", PASSWORD.name])
def test_a_file_that_others_may_read_is_refused_with_the_command(places: Places, name: str) -> None:
    make_all(places)
    file = (places.secrets / name) if "/" not in name else places.env_file
    file.chmod(0o644)
    with pytest.raises(StackFailure, match=rf"mode 0644\): chmod 600 \S*{file.name}$"):
        make_all(places)


@pytest.mark.parametrize(
    "content", ["", "changeme", "elastic\n", "a\nsecond line of it", "quite-long-and-$HOME"]
)
def test_a_password_that_is_weak_or_awkward_is_refused_and_not_replaced(
    places: Places, content: str
) -> None:
    make_all(places)
    file = places.secrets / PASSWORD.name
    file.write_text(content)
    with pytest.raises(StackFailure, match=r"\bup$"):
        make_all(places)
    assert file.read_text() == content


def test_without_env_the_next_command_is_named(places: Places) -> None:
    with pytest.raises(StackFailure, match=r"there is no .*\.env: nox -s stack -- up makes it"):
        secrets_of(places)


def test_an_env_that_names_no_secrets_is_refused_with_the_line(places: Places) -> None:
    make_once(places.env_file, f"# {SECRETS_VARIABLE}=./commented\n{SECRETS_VARIABLE}=\n")
    with pytest.raises(StackFailure, match=rf"add the line {SECRETS_VARIABLE}="):
        make_all(places)


def test_a_directory_that_can_not_be_written_is_one_line(places: Places) -> None:
    places.secrets.write_text("a file where the directory should be")
    with pytest.raises(StackFailure, match="can't make"):
        make_all(places)


def test_the_channels_are_those_that_alertmanager_reads() -> None:
    named = re.findall(
        r"_file: /etc/alertmanager/secrets/(\w+)", production_files().alertmanager.read_text()
    )
    assert set(named) == set(CHANNELS)


def test_a_channel_is_told_until_somebody_fills_it_in(places: Places) -> None:
    make_all(places)
    assert [file.name for file in unset(places)] == CHANNELS
    (places.secrets / CHANNELS[0]).write_text("real\n")
    assert [file.name for file in unset(places)] == CHANNELS[1:]


def test_a_placeholder_reaches_nobody() -> None:
    made = {each.name: each.make() for each in CREDENTIALS if each.kind == "channel"}
    assert all(is_unset(text) for text in made.values())
    urls = [text for name, text in made.items() if name.endswith("_url")]
    assert all(text.startswith("https://unset.invalid/") for text in urls)
    assert not is_unset("https://hooks.example/unset.invalid")


def test_a_secret_that_is_fit_is_not_refused() -> None:
    for each in CREDENTIALS:
        assert refusal(each, each.make()) is None
    short = Credential(name="short", kind="channel", make=str)
    assert refusal(short, "abc") is None


def test_of_two_that_start_at_once_one_makes_the_file(tmp_path: Path) -> None:
    path, start = tmp_path / "secret", threading.Barrier(8)
    made = []

    def run(number: int) -> None:
        start.wait()
        if make_once(path, str(number)):
            made.append(str(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [path.read_text()]
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(once.os, "fsync", full)
    with pytest.raises(StackFailure, match="No space left on device"):
        make_once(tmp_path / "secret", "x")
    assert list(tmp_path.iterdir()) == []


def test_what_the_file_sets_is_in_force_unless_the_environment_says_otherwise(
    places: Places,
) -> None:
    assert in_force({"A": "1"}, places.env_file) == {"A": "1"}
    make_once(places.env_file, "# A=0\nA_IMAGE=mirror/a:2\nexport B='two words'\nC=3\n")
    assert in_force({"C": "4"}, places.env_file) == {
        "A_IMAGE": "mirror/a:2",
        "B": "two words",
        "C": "4",
    }
