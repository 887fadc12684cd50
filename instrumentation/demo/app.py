"""The factory of the SoftFactory service.

One rule: everything that the service needs is made here, in the process that serves, and handed on;
what it can't work without is refused here, in one line.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from instrumentation import instrument
from instrumentation.demo.accounts import Accounts
from instrumentation.demo.database import Database
from instrumentation.demo.observation import observe
from instrumentation.demo.payments import PaymentGateway
from instrumentation.demo.routes import softfactory_routes
from instrumentation.demo.settings import DemoSettings, read_api_key

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024  # the largest request that means something here is below 1 kB


def create_app(settings: DemoSettings | None = None) -> Flask:
    """Make the service: its database, its payment gateway, its routes, and what observes it.

    Args:
        settings: those of the environment when left out.

    Raises:
        SettingsError: a setting can't be used.
        DatabaseUnavailable: the database can't be opened or created.
    """
    settings = settings or DemoSettings.from_env()
    key_file = settings.stripe_api_key_file
    gateway = PaymentGateway(
        None if key_file is None else read_api_key(key_file),
        api_base=settings.stripe_api_base,
        timeout_seconds=settings.payment_timeout_seconds,
    )
    accounts = Accounts.of(settings.account_tokens_file)
    database = Database(
        settings.database_url,
        probe_timeout_seconds=settings.database_probe_timeout_seconds,
        pool_size=settings.database_pool_size,
    )
    database.create()

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Load tests say whose request it is; a service with logins would ask its session instead.
    instrumentation = instrument(app, user_id=lambda: request.headers.get("X-User-Id"))
    if key_file is None:
        log.warning("STRIPE_API_KEY_FILE is not set: every payment will fail")
    attempts = observe(instrumentation, database=database, settings=settings)
    app.register_blueprint(
        softfactory_routes(database=database, gateway=gateway, attempts=attempts, accounts=accounts)
    )
    app.register_error_handler(HTTPException, _as_json)
    return app


def _as_json(error: HTTPException) -> tuple[Response, int]:
    """Answer an error as every other answer is: as JSON, and without the service's insides."""
    response = jsonify(error=error.name, message=error.description)
    for name, value in error.get_headers():
        if name != "Content-Type":  # Allow, WWW-Authenticate: part of what the status means
            response.headers.add(name, value)
    return response, error.code or 500
