"""The certificate of the service ends in 30 days, which is when renewal is tried first."""

from datetime import timedelta

from scenarios.conditions import Service
from scenarios.faults.age_certificate import AgeCertificate
from scenarios.model import Drill

DRILL = Drill(
    alert="CertificateExpiring",
    cause="below",
    service=Service(certificate=True),
    fault=AgeCertificate(left=timedelta(days=30)),
    fires=False,
)
