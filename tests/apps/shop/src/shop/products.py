from flask import Blueprint, abort, jsonify

products = Blueprint("products", __name__)

PRODUCTS = {1: "a lamp", 2: "a chair", 3: "a table"}


@products.get("/products")
def all_of_them():
    return jsonify(PRODUCTS)


@products.get("/products/<int:number>")
def one(number):
    return jsonify(name=PRODUCTS.get(number) or abort(404))


@products.get("/basket")
def basket():
    return jsonify([])
