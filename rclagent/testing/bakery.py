"""A second system, of what the shop lacks: messages, retries, a shared database, external services."""

from __future__ import annotations

from rclagent.testing.parts import Call, External, Publish, Query
from rclagent.testing.system import Entry, Line, Operation, Service, System


def bakery() -> System:
    """A bakery that delivers: 8 services, 14 pods, 3 nodes; about 10 spans a request.

    Orders are baked and delivered by consumers of messages, after the answer; calls are repeated;
    three services share ``main-db``; ``cardhouse.example`` and ``maps.example`` belong to others.
    """
    return System(
        services=(_window(), _menu(), _orders(), _payments(), _oven(), _courier(), _mailer(), _audit()),
        entries=(
            Entry("window", "GET /menu", 5),
            Entry("window", "POST /orders", 4),
            Entry("window", "GET /orders/:id", 3),
        ),
    )


def _window() -> Service:
    menu = Operation(
        "GET /menu",
        2.0,
        ((Call("menu", "GET /loaves", retries=1, timeout_ms=1500.0),),),
        (Line("menu asked for by {id}"), Line("menu with {n} loaves shown", 1)),
        otherwise="menu is empty",
    )
    order = Operation(
        "POST /orders",
        3.0,
        ((Call("menu", "GET /loaves", retries=1, timeout_ms=1500.0),), (Call("orders", "POST /orders"),)),
        (Line("order of {n} loaves by {id}"), Line("order {id} is on its way", 2)),
        otherwise="order {id} turned away",
    )
    status = Operation(
        "GET /orders/:id",
        1.5,
        ((Call("orders", "GET /orders/:id", retries=2, timeout_ms=800.0),),),
        (Line("state of order {id} shown", 1),),
    )
    return Service("window", (menu, order, status), pods=2, version="3.1.0")


def _menu() -> Service:
    loaves = Operation(
        "GET /loaves",
        1.5,
        ((Query("main-db", "SELECT loaves", 2.0),),),
        (Line("reading the menu"), Line("{n} loaves left", 1)),
        otherwise="no loaves left",
    )
    return Service("menu", (loaves,), pods=2, version="2.0.4")


def _orders() -> Service:
    place = Operation(
        "POST /orders",
        3.0,
        (
            (Query("main-db", "INSERT order", 4.0),),
            (Call("payments", "POST /charges", retries=2),),
            (
                Publish("placed-orders", "oven", "process placed-orders"),
                Publish("trail", "audit", "process trail"),
            ),
        ),
        (Line("order {id} received"), Line("order {id} paid, {price}", 2), Line("order {id} handed on", 3)),
        otherwise="order {id} left unpaid",
    )
    state = Operation(
        "GET /orders/:id",
        1.2,
        ((Query("main-db", "SELECT order", 1.8),),),
        (Line("state of order {id} is {n}", 1),),
    )
    return Service("orders", (place, state), pods=3, version="1.12.0")


def _payments() -> Service:
    charge = Operation(
        "POST /charges",
        2.5,
        ((External("cardhouse.example", "POST /v1/charges", 70.0, retries=1, timeout_ms=3000.0),),),
        (Line("charging {price}"), Line("charge {id} accepted", 1)),
        otherwise="charge {id} declined",
    )
    return Service("payments", (charge,), pods=2, version="0.9.1")


def _oven() -> Service:
    bake = Operation(
        "process placed-orders",
        6.0,
        (
            (Query("oven-db", "UPDATE slots", 3.0),),
            (
                Publish("baked-orders", "courier", "process baked-orders", delay_ms=40.0),
                Publish("mails", "mailer", "process mails", delay_ms=60.0),
            ),
        ),
        (Line("baking order {id}"), Line("{n} loaves out of the oven", 2)),
        otherwise="oven is full, order {id} waits",
    )
    return Service("oven", (bake,), pods=2, version="1.0.3")


def _courier() -> Service:
    deliver = Operation(
        "process baked-orders",
        3.0,
        (
            (External("maps.example", "GET /route", 45.0, required=False),),
            (Query("courier-db", "INSERT trip", 3.5),),
        ),
        (Line("trip for order {id}"), Line("trip {id} starts at {at}", 2)),
    )
    return Service("courier", (deliver,), version="2.2.0")


def _mailer() -> Service:
    mail = Operation("process mails", 5.0, (), (Line("mail {id} sent"),))
    return Service("mailer", (mail,))


def _audit() -> Service:
    note = Operation(
        "process trail", 1.0, ((Query("main-db", "INSERT trail", 1.5),),), (Line("{id} noted", 1),)
    )
    return Service("audit", (note,))
