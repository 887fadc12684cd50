"""Error: the answer is an error of the service's, as a client would see a real one."""

from flask import Response, jsonify

from instrumentation.faults.contract import Error


def error(fault: Error) -> Response:
    """Return a response with the fault's status and a JSON body that says where it comes from."""
    response = jsonify(error="injected fault", status=int(fault.status))
    response.status_code = int(fault.status)
    return response
