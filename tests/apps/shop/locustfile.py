from locust import HttpUser, between, task

TOKEN = {"Authorization": "Bearer let-me-in"}


class Customer(HttpUser):
    wait_time = between(1, 3)

    @task(5)
    def look_around(self):
        self.client.get("/products")
        self.client.get("/products/2", name="/products/[number]")

    @task(1)
    def buy(self):
        self.client.get("/basket")
        self.client.post("/orders", json={"product": 2}, headers=TOKEN)
        with self.client.get("/orders", headers=TOKEN, catch_response=True) as answer:
            if answer.json() != []:
                answer.failure("the shop remembers orders")
