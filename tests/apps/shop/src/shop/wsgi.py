"""The shop's factory: blueprints, a login by token, and metrics of its own."""

from flask import Flask

from shop import metrics
from shop.orders import orders
from shop.products import products


def create_app(config=None):
    app = Flask("shop")
    app.config.update(TOKEN="let-me-in", **(config or {}))
    app.register_blueprint(products)
    app.register_blueprint(orders, url_prefix="/orders")
    metrics.measure(app)
    return app
