"""Production's Alertmanager configuration, run by Alertmanager: hostile texts arrive unharmed."""

import dataclasses
import json
import re
import shlex
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests

from stack.derive import RunAddresses, derive
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.receivers import Receivers, Trouble, parse_headline
from stack.tools import ToolSettings, find_tools
from stack.waiting import NotYet, WaitTimeout, wait_until

pytestmark = pytest.mark.integration

CHANNELS = {
    "CRITICAL": {"pagerduty", "slack #incidents"},
    "HIGH": {"slack #alerts", "email on-call"},
    "MEDIUM": {"slack #alerts", "discord #ops"},
    "LOW": {"email digest", "webhook ticket"},
    "UNKNOWN": {"slack #alerts"},
}
HOSTILE = (
    "<!channel> <@U123> @here @everyone <b>&amp;\"quoted\" 'n' & *bold* _it_ ~s~ `code` ||spoiler||"
    " [a](http://x) {{ .Boom }} C:\\temp % 100%s größer ≥ 1 s"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Run production's Alertmanager sixty times as fast, with its receivers; yield both."""
    with running(tmp_path_factory.mktemp("notifications"), mute="never") as stack:
        yield stack


@contextmanager
def running(folder, *, mute):
    alertmanager = find_tools(ToolSettings.from_env(), lambda _: None).alertmanager.command
    with (
        Receivers(folder / "secrets", lambda _: None) as receivers,
        reserve() as port,
        Processes() as processes,
    ):
        derived = derive(
            production_files(),
            time_scale=60,
            run=RunAddresses(
                prometheus_targets_glob=folder / "*.yml",
                prometheus="127.0.0.1:9",  # nobody scrapes here
                alertmanager=f"127.0.0.1:{port.port}",
                pagerduty_url=receivers.pagerduty_url,
                smtp_smarthost=receivers.smtp_smarthost,
                smtp_ca_file=receivers.smtp_ca_file,
                secrets_directory=folder / "secrets",
            ),
            mute=mute,
        )
        (folder / "alertmanager.yml").write_text(derived.alertmanager_yaml)
        processes.start(
            "alertmanager",
            [
                *alertmanager,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port.port}",
                "--cluster.listen-address=",
            ],
            log=folder / "alertmanager.log",
        )
        url = f"http://127.0.0.1:{port.port}"
        wait_until(
            lambda: requests.get(f"{url}/-/ready", timeout=5).ok,
            what="Alertmanager to be ready",
            timeout_seconds=20,
            retry_on=(requests.ConnectionError,),
        )
        yield Stack(url=url, receivers=receivers, log=folder / "alertmanager.log")


@dataclasses.dataclass(frozen=True)
class Stack:
    url: str
    receivers: Receivers
    log: Path
    begun: dict[str, datetime] = dataclasses.field(default_factory=dict)

    def send(self, service, severity, *, count=1, resolved=False, labels=(), **annotations):
        # Alertmanager flushes at once, and part of a group, what began more than a group_wait ago.
        now = datetime.now(UTC)
        begun = self.begun.setdefault(service, now)
        alerts = [
            {
                "labels": {
                    "alertname": "Hostile",
                    "severity": severity,
                    "service": service,
                    **({"instance": f"10.0.0.{number}:8000"} if count > 1 else {}),
                    **dict(labels),
                },
                "annotations": annotations,
                "startsAt": begun.isoformat(),
                "endsAt": (now if resolved else now + timedelta(minutes=5)).isoformat(),
            }
            for number in range(count)
        ]
        answer = requests.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=5)
        assert answer.ok, answer.text

    def arrived(self, service, channels, status="firing", timeout_seconds=20.0):
        """Wait until the channels took it; return the deliveries by channel."""

        def told():
            found = {
                each.receiver: each
                for each in self.receivers.deliveries
                if each.accepted and each.status == status and f" {service}:" in each.headline
            }
            if not channels <= found.keys():
                raise NotYet(f"{sorted(found)}; {self.log.read_text()[-600:]}")
            return found

        return wait_until(
            told, what=f"{service} at {sorted(channels)}", timeout_seconds=timeout_seconds
        )


HOSTILES = {
    "summary": HOSTILE,
    "description": f"more: {HOSTILE}",
    "action": 'restart "it" <now> & @here',
    "runbook_url": "https://runbooks.example/a_b*c?x=1&y=<2>",
    "dashboard_url": "/d/a_b*c?viewPanel=1&var-service=<shop>",
}


@pytest.fixture(scope="module")
def hostile(stack):
    """Send hostile texts of every severity, and resolve them; return what arrived, by severity."""
    arrived = {}
    for resolved in (False, True):
        for severity in CHANNELS:
            stack.send(f"hostile-{severity.lower()}", severity, resolved=resolved, **HOSTILES)
        status = "resolved" if resolved else "firing"
        for severity, channels in CHANNELS.items():
            told = stack.arrived(f"hostile-{severity.lower()}", channels, status)
            assert told.keys() == channels
            arrived[severity, status] = told
    return arrived


@pytest.mark.parametrize("severity", CHANNELS)
def test_hostile_texts_arrive_unharmed_and_wake_nobody(hostile, severity):
    for channel, delivery in hostile[severity, "firing"].items():
        assert delivery.problem is None
        headline = parse_headline(delivery.headline)
        assert headline, delivery.headline
        assert (headline.severity, headline.alert) == (severity, "Hostile")
        assert headline.action == HOSTILES["action"], channel
        assert headline.since
        assert headline.summary
        assert HOSTILE.startswith(headline.summary[:79])
        assert HOSTILE in delivery.text, channel
        assert f"more: {HOSTILE}" in delivery.text, channel


@pytest.mark.parametrize("severity", CHANNELS)
def test_a_resolution_says_since_when_and_asks_for_nothing(hostile, severity):
    for delivery in hostile[severity, "resolved"].values():
        assert delivery.problem is None
        assert parse_headline(delivery.headline).since
        assert not parse_headline(delivery.headline).action


@pytest.mark.parametrize("severity", CHANNELS)
def test_a_notification_carries_the_command_that_finds_the_services_log_records(hostile, severity):
    for channel, delivery in hostile[severity, "firing"].items():
        if channel.startswith("webhook"):  # has the labels and times themselves, in JSON
            continue
        found = re.search(r"python -m stack\.logs find (--[-\w:. ]+\d\dZ)", delivery.text)
        assert found, (channel, delivery.text)
        words = shlex.split(found[1])
        arguments = dict(zip(words[::2], words[1::2], strict=True))
        assert arguments["--service"] == f"hostile-{severity.lower()}"
        assert arguments["--level"] == "warning"
        age = datetime.now(UTC) - datetime.fromisoformat(arguments["--since"])
        assert timedelta(minutes=15) <= age < timedelta(minutes=20)


@pytest.mark.parametrize("severity", CHANNELS)
def test_a_notification_leads_to_the_panel_from_an_hour_before_the_alert(hostile, stack, severity):
    begun = stack.begun[f"hostile-{severity.lower()}"]
    for status in ("firing", "resolved"):
        for channel, delivery in hostile[severity, status].items():
            if channel.startswith("webhook"):  # the path, for who knows Grafana's address
                assert HOSTILES["dashboard_url"] in delivery.text
                continue
            link = re.search(
                r"https://grafana\.softfactory\.example(/d/\S+)&from=(\d+)(?!\S*[&;])",
                delivery.text,
            )
            assert link, (channel, delivery.text)
            assert unquote(link[1]) == HOSTILES["dashboard_url"], channel
            since = datetime.fromtimestamp(int(link[2]) / 1000, UTC)
            assert abs(begun - since - timedelta(hours=1)) < timedelta(seconds=1)


def test_an_alert_without_a_panel_names_no_grafana(stack):
    stack.send("panelless", "HIGH", summary="down")
    for delivery in stack.arrived("panelless", CHANNELS["HIGH"]).values():
        assert "grafana" not in delivery.payload


def test_a_service_whose_name_a_shell_could_misread_gets_no_command(stack):
    stack.send("x;reboot", "HIGH", summary="down")
    for delivery in stack.arrived("x;reboot", CHANNELS["HIGH"]).values():
        assert "stack.logs" not in delivery.text


TEXTS = ("summary", "description", "action", "runbook_url", "dashboard_url")
EXTREMES = {
    "nothing": {},
    "blank": dict.fromkeys(TEXTS, "") | {"description": " "},
    "long": dict.fromkeys(TEXTS, "x" * 20000),
    "markup": dict.fromkeys(("summary", "description", "action"), "<&*_~`|@" * 2000),
    "emoji": dict.fromkeys(("summary", "description", "action"), "😀ü" * 5000),
    "lines": dict.fromkeys(("summary", "description", "action"), "a\n\tb\r\n\u2028\u202ec\x00" * 9),
    "mail": dict.fromkeys(("summary", "action"), "=?utf-8?q?evil?=\r\nBcc: x@y\r\n\r\n.\r\n"),
    "script": {"summary": "</td><script>", "runbook_url": "javascript:alert(1)"},
}


@pytest.mark.parametrize("kind", EXTREMES)
def test_no_text_keeps_a_notification_from_any_channel(stack, kind):
    for severity in CHANNELS:
        stack.send(f"{kind}-{severity.lower()}", severity, **EXTREMES[kind])
    for severity, channels in CHANNELS.items():
        told = stack.arrived(f"{kind}-{severity.lower()}", channels)
        assert all(each.problem is None for each in told.values())
        assert all(parse_headline(each.headline) for each in told.values())
    refused = [each.refusal for each in stack.receivers.deliveries if kind in each.headline]
    assert not any(refused), refused


def test_a_link_in_a_mail_is_never_a_script(stack):
    (mail,) = [
        each
        for each in stack.receivers.deliveries
        if each.receiver == "email on-call" and "script-high" in each.headline
    ]
    assert "javascript:alert(1)" not in mail.payload.partition("<a href=")[2].partition(">")[0]


@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH", "MEDIUM", "LOW"])
def test_a_group_says_how_many_and_lists_ten_and_how_many_more(stack, severity):
    service = f"many-{severity.lower()}"
    stack.send(service, severity, count=12, summary="down", action="look")
    told = stack.arrived(service, CHANNELS[severity])
    for channel, delivery in told.items():
        assert parse_headline(delivery.headline).alerts == 12
        assert parse_headline(delivery.headline).summary == "down"
        listed = [number for number in range(12) if f"10.0.0.{number}:8000" in delivery.text]
        if channel == "webhook ticket":  # all are in the JSON
            assert len(listed) == 12
        else:
            assert len(listed) == 10
            assert "and 2 more that are not listed" in delivery.text


def test_the_watchdog_beats_and_never_resolves(stack):
    labels = {"alertname": "Watchdog"}
    stack.send("monitoring", "NONE", labels=labels, summary="the heartbeat")
    told = stack.arrived("monitoring", {"webhook heartbeat"})
    assert told.keys() == {"webhook heartbeat"}
    assert (told["webhook heartbeat"].service, told["webhook heartbeat"].severity) == (
        "monitoring",
        "NONE",
    )
    (raw,) = json.loads(told["webhook heartbeat"].payload)["alerts"]
    assert raw["labels"]["alertname"] == "Watchdog"


FAILING = {
    "pagerduty": "CRITICAL",
    "slack #alerts": "UNKNOWN",
    "discord #ops": "MEDIUM",
    "email on-call": "HIGH",
    "webhook ticket": "LOW",
}
TRIES_429_AGAIN = {"pagerduty", "email on-call"}


@pytest.fixture(scope="module")
def in_trouble(stack):
    """Let every channel fail for a while; return what it was sent, by trouble and channel."""
    sent = {}
    for trouble in (Trouble.RATE_LIMITED, Trouble.SERVER_ERROR, Trouble.REFUSED):
        name = trouble.replace(" ", "-")
        with ExitStack() as failing:
            for channel, severity in FAILING.items():
                failing.enter_context(stack.receivers.failing(channel, trouble, seconds=2.0))
                stack.send(f"{name}-{severity.lower()}", severity, summary="it fails")
            for channel, severity in FAILING.items():
                service = f"{name}-{severity.lower()}"
                stack.arrived(service, {channel})
                sent[trouble, channel] = [
                    each
                    for each in stack.receivers.deliveries
                    if each.receiver == channel and f" {service}:" in each.headline
                ]
    return sent


@pytest.mark.parametrize("channel", FAILING)
def test_a_channel_that_fails_is_told_again_and_takes_it_once(in_trouble, channel):
    *refused, taken = in_trouble[Trouble.SERVER_ERROR, channel]
    assert refused
    assert taken.accepted
    assert not any(each.accepted for each in refused)
    assert [each.accepted for each in in_trouble[Trouble.REFUSED, channel]] == [True]


@pytest.mark.parametrize("channel", FAILING)
def test_only_some_channels_are_told_again_at_once_after_a_429(in_trouble, channel):
    """The others give up, and are told at the group's next flush: 5 s here, 5m in production."""
    *refused, taken = in_trouble[Trouble.RATE_LIMITED, channel]
    assert taken.accepted
    assert not any(each.accepted for each in refused)
    gives_up = channel not in TRIES_429_AGAIN
    assert (len(refused) == 1) is gives_up
    assert (taken.at - refused[0].at > 4) is gives_up


def test_a_mail_server_that_never_answers_holds_up_what_else_its_group_tells(stack):
    """Upstream: mail is sent without a deadline, and a group waits for all of its integrations."""
    service = "silent-high"
    with stack.receivers.failing("email on-call", Trouble.SILENT, seconds=15.0):
        stack.send(service, "HIGH", summary="it hangs")
        stack.arrived(service, {"slack #alerts"})
        stack.send(service, "HIGH", resolved=True, summary="it hangs")
        stack.send("beside-critical", "CRITICAL", summary="another group")
        stack.arrived("beside-critical", CHANNELS["CRITICAL"])
        with pytest.raises(WaitTimeout):  # twice its group_interval
            stack.arrived(service, {"slack #alerts"}, "resolved", timeout_seconds=10.0)
    stack.arrived(service, {"slack #alerts"}, "resolved")


def test_a_calendar_that_always_mutes_keeps_low_alone_from_its_receivers(tmp_path):
    with running(tmp_path, mute="always") as stack:
        stack.send("asleep-low", "LOW", summary="it can wait")
        stack.send("awake-medium", "MEDIUM", summary="it can't")
        stack.arrived("awake-medium", CHANNELS["MEDIUM"])

        def muted_by():
            groups = requests.get(f"{stack.url}/api/v2/alerts/groups", timeout=5).json()
            alerts = [alert for group in groups for alert in group["alerts"]]
            (low,) = [each for each in alerts if each["labels"]["severity"] == "LOW"]
            return low["status"]["mutedBy"] or None

        assert wait_until(muted_by, what="LOW to be muted", timeout_seconds=10) == ["night"]
        told = {each.receiver for each in stack.receivers.deliveries}
        assert told == CHANNELS["MEDIUM"]
