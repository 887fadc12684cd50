"""The heartbeat's receiver answers 500; Slack and mail, which still work, tell of it."""

from scenarios.faults.fail_receiver import FailReceiver
from scenarios.model import Drill
from stack.receivers import WEBHOOK_HEARTBEAT, Trouble

DRILL = Drill(
    alert="AlertDeliveryFailing",
    cause="server-error",
    subject="alertmanager",
    fault=FailReceiver(
        receiver=WEBHOOK_HEARTBEAT, trouble=Trouble.SERVER_ERROR, notifies_of="Watchdog"
    ),
)
