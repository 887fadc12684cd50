"""Who has no engine is told so in one line, with the next command."""

import pytest

from stack.launch.containers import EngineMissing, connect


@pytest.mark.parametrize(
    "host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9", "no address at all"]
)
def test_an_engine_that_does_not_answer_is_one_line(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineMissing) as refused:
        connect()
    message = str(refused.value)
    assert "\n" not in message
    assert host in message
    assert "dockerd" in message
