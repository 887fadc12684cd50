"""The verdict and the refusal, for users of a locustfile that knows nothing of them.

    locust -f loadtests/hooked.py,your/locustfile.py --host http://127.0.0.1:8000

One rule: it has no users of its own.
"""

from loadtests.measured import hook

hook()
