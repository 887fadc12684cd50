"""What SoftFactory's users do, as Locust runs it: they browse, look somebody up, book, and pay.

    locust -f loadtests/journeys.py --host http://127.0.0.1:8000
    python -m loadtests --users 200 --spawn-rate 20 --run-time 5m

One rule: a step that is answered otherwise than a person would expect is a failure, whatever its
status.
"""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from locust import FastHttpUser, SequentialTaskSet, between, task
from locust.contrib.fasthttp import ResponseContextManager

from loadtests.measured import hook

THINKS_SECONDS = (1.0, 3.0)
"""How long a person looks at a page before the next step, from and to."""

AMOUNT_CENTS = 1250
CARD = "pm_card_visa"
_number = count()


class Journey(SequentialTaskSet):
    """Steps one after another, with the time to think between them."""

    user: Customer

    def expect(
        self, method: str, path: str, *, status: int = 200, **request: object
    ) -> dict[str, Any]:
        """Send one step's request.

        ``name`` groups it in the statistics, ``json`` is its body. Returns the answer's JSON; an
        empty one where it is no JSON object or the status is another, which is a failure.
        """
        name = str(request.pop("name", path))
        with self.client.request(
            method, path, name=name, catch_response=True, **request
        ) as response:
            return _body(response, status)

    def leave(self) -> None:
        """End the journey; the next one begins after some thought."""
        self.interrupt(reschedule=False)


class Browse(Journey):
    """Looks at what there is."""

    @task
    def opens(self) -> None:
        """The front page."""
        self.expect("GET", "/")

    @task
    def looks(self) -> None:
        """What others booked."""
        self.expect("GET", "/api/bookings")
        self.leave()


class LookUp(Journey):
    """Searches a user in the list, and opens the page."""

    @task
    def searches(self) -> None:
        """The list, in which the user is found by the id."""
        self.found = self.expect("GET", "/api/users").get("users", [])

    @task
    def opens(self) -> None:
        """The page of the one that was looked for."""
        if self.found:
            chosen = self.found[self.user.number % len(self.found)]["id"]
            self.expect("GET", f"/api/users/{chosen}", name="/api/users/ID")
        self.leave()


class Book(Journey):
    """Sees what is taken, and books a room."""

    @task
    def looks(self) -> None:
        """What others booked."""
        self.expect("GET", "/api/bookings")

    @task
    def books(self) -> None:
        """A room."""
        self.user.book(self)
        self.leave()


class BookAndPay(Journey):
    """Books a room, and pays for it."""

    @task
    def books(self) -> None:
        """A room."""
        self.user.book(self)

    @task
    def pays(self) -> None:
        """For it, with a card that is accepted."""
        body = {
            "user_id": self.user.user_id,
            "amount_cents": AMOUNT_CENTS,
            "payment_method": CARD,
        }
        self.expect("POST", "/api/payments", status=201, json=body)
        self.leave()


class Customer(FastHttpUser):
    """One person, who begins a journey, ends it, and begins another.

    Of twenty journeys ten browse, five search, three book and two book and pay: most who come only
    look, and few of those who look buy.
    """

    tasks: ClassVar = {Browse: 10, LookUp: 5, Book: 3, BookAndPay: 2}
    wait_time = between(*THINKS_SECONDS)
    # A kept connection may be closed by the server at the very moment in which it is used again
    # after some thought, and a request lost that way would be an error of nobody's.
    default_headers: ClassVar = {"Connection": "close"}

    def on_start(self) -> None:
        """Choose who this is: the next of the users that there are."""
        self.number = next(_number)
        with self.client.request("GET", "/api/users", catch_response=True) as response:
            users = _body(response, 200).get("users", [])
        self.user_id = users[self.number % len(users)]["id"] if users else 1

    def book(self, journey: Journey) -> None:
        """Book a room that nobody else asks for."""
        body = {"user_id": self.user_id, "room": f"room-{next(_number)}"}
        journey.expect("POST", "/api/bookings", status=201, json=body)


def _body(response: ResponseContextManager, status: int) -> dict[str, Any]:
    if response.status_code != status:
        response.failure(
            f"expected {status}, got {response.status_code}: {str(response.text)[:80]}"
        )
        return {}
    try:
        body = response.json()
    except ValueError as error:
        response.failure(f"expected JSON: {error}")
        return {}
    if not isinstance(body, dict):
        response.failure(f"expected a JSON object, got {body!r:.80}")
        return {}
    return body


hook()
