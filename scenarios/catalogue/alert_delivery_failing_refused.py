"""The heartbeat's receiver refuses connections; Slack and mail, which still work, tell of it."""

from scenarios.faults.fail_receiver import FailReceiver
from scenarios.model import Drill
from stack.receivers import WEBHOOK_HEARTBEAT, Trouble

DRILL = Drill(
    alert="AlertDeliveryFailing",
    cause="refused",
    subject="alertmanager",
    fault=FailReceiver(receiver=WEBHOOK_HEARTBEAT, trouble=Trouble.REFUSED, notifies_of="Watchdog"),
)
