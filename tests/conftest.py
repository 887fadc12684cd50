"""What all of the toolkit's own tests have in common."""

from hypothesis import HealthCheck, settings

# On a machine that does other work too, an example that is late says nothing of what it tries.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
