"""The certificate of the service ends in one day."""

from datetime import timedelta

from scenarios.conditions import Service
from scenarios.faults.age_certificate import AgeCertificate
from scenarios.model import Drill

DRILL = Drill(
    alert="CertificateExpiring",
    service=Service(certificate=True),
    fault=AgeCertificate(left=timedelta(days=1)),
)
