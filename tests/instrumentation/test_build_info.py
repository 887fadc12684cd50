"""One series says which build serves, with the same labels for every service."""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from instrumentation.build_info import register_build_info
from instrumentation.settings import InstrumentSettings


def labels_of(settings):
    registry = CollectorRegistry()
    register_build_info(registry, "shop", settings).set(1)
    ((sample,),) = [family.samples for family in registry.collect()]
    assert (sample.name, sample.value) == ("shop_build_info", 1)
    return sample.labels


def test_the_build_is_what_the_settings_call_it():
    labels = labels_of(InstrumentSettings(service_version="1.2.3", service_revision="0ff1ce"))
    assert labels == {
        "version": "1.2.3",
        "revision": "0ff1ce",
        "python": platform.python_version(),
        "flask": version("flask"),
        "prometheus_client": version("prometheus-client"),
    }


def test_what_is_unknown_is_called_unknown():
    labels = labels_of(InstrumentSettings())
    assert (labels["version"], labels["revision"]) == ("unknown", "unknown")
