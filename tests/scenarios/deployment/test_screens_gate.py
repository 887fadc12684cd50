"""The gate looks at what people look at: as somebody who has a token, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.scenarios.deployment.doubles import TOKEN, Grafana, Kibana, serving
from tests.scenarios.deployment.house import gate

NOBODY = (
    "--target=http://127.0.0.1:1",
    "--prometheus-url=http://127.0.0.1:2",
    "--alertmanager-url=http://127.0.0.1:3",
)
CHOSEN = ("-k", "grafana or kibana or dashboards or data_sources or discover")


@pytest.fixture
def doubles() -> Iterator[tuple[Grafana, Kibana]]:
    grafana, kibana = Grafana(), Kibana(authorization=f"ApiKey {TOKEN}")
    with ExitStack() as running:
        running.enter_context(serving(grafana))
        running.enter_context(serving(kibana))
        yield grafana, kibana


def test_what_is_well_passes_and_its_token_is_never_told(
    doubles: tuple[Grafana, Kibana], tmp_path: Path
) -> None:
    grafana, kibana = doubles
    (tmp_path / "token").write_text(TOKEN)
    done = gate(
        tmp_path,
        *(*NOBODY, f"--grafana-url={grafana.url}", f"--kibana-url={kibana.url}"),
        *(f"--{name}-token-file={tmp_path / 'token'}" for name in ("grafana", "kibana")),
        *CHOSEN,
    )
    assert done.verdicts() == {
        "grafana_is_ready": "PASS",
        "kibana_is_ready": "PASS",
        "dashboards_are_there": "PASS",
        "data_sources_answer": "PASS",
        "discover_works": "PASS",
    }, done.output
    assert done.status == 0
    assert {verb for verb, _ in (*grafana.asked, *kibana.asked)} == {"GET"}
    assert TOKEN not in done.output + str(done.found)


def test_without_a_token_that_they_are_up_is_all_that_is_known(
    doubles: tuple[Grafana, Kibana], tmp_path: Path
) -> None:
    grafana, kibana = doubles
    urls = (f"--grafana-url={grafana.url}", f"--kibana-url={kibana.url}")
    done = gate(tmp_path, *NOBODY, *urls, *CHOSEN)
    assert done.verdicts() == {
        "grafana_is_ready": "PASS",
        "kibana_is_ready": "PASS",
        "dashboards_are_there": "UNKNOWN",
        "data_sources_answer": "UNKNOWN",
        "discover_works": "UNKNOWN",
    }, done.output
    assert done.status == 1
    assert "--grafana-token-file names the file with its token" in done.output
    assert "--kibana-token-file names the file with its token" in done.output


def test_who_names_neither_is_not_told_that_it_works(tmp_path: Path) -> None:
    done = gate(tmp_path, *NOBODY, *CHOSEN)
    assert done.verdicts() == {}
    assert done.status == 5
