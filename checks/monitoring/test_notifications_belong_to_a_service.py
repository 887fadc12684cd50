"""Whatever a receiver got names a service of this run."""

from scenarios.history import Kind
from scenarios.result import Result


def test_every_notification_names_its_service(result: Result) -> None:
    strangers = [
        event.detail["headline"]
        for beside in result.monitoring.values()
        for event in beside.strangers.all(Kind.DELIVERED)
    ]
    assert not strangers, "notifications that name no service of this run: " + "; ".join(strangers)
