from flask import Blueprint, abort, current_app, jsonify, request

orders = Blueprint("orders", __name__)


@orders.before_request
def known():
    if request.headers.get("Authorization") != f"Bearer {current_app.config['TOKEN']}":
        abort(401)


@orders.route("", methods=["GET", "POST"])
def list_or_place():
    if request.method == "POST":
        return jsonify(placed=request.get_json()["product"]), 201
    return jsonify([])
