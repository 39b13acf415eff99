"""The default system: a tea shop of 14 services, 22 pods and 4 nodes, with names of our own."""

from __future__ import annotations

from rclagent.testing.parts import Call, Query
from rclagent.testing.system import Entry, Line, Operation, Service, System


def shop() -> System:
    """A shop whose entries differ in depth and width; about 12 spans a request."""
    return System(
        services=(
            _counter(),
            _depot(),
            _finder(),
            _shelf(),
            _pricing(),
            _stock(),
            _basket(),
            _members(),
            _opinions(),
            _till(),
            _wallet(),
            _loyalty(),
            _parcel(),
            _letters(),
        ),
        entries=(
            Entry("counter", "GET /", 25),
            Entry("counter", "GET /search", 20),
            Entry("counter", "GET /items/:id", 28),
            Entry("counter", "POST /basket", 12),
            Entry("counter", "POST /checkout", 11),
            Entry("depot", "POST /restock", 4),
        ),
        nodes=("node-a", "node-b", "node-c", "node-d"),
    )


def _counter() -> Service:
    me = Call("members", "GET /me")
    home = Operation(
        "GET /",
        3.0,
        (
            (Call("members", "GET /me", share=0.6),),
            (Call("shelf", "GET /featured"), Call("opinions", "GET /top", required=False)),
        ),
        (Line("home page for visitor {id}"), Line("home page rendered in {n} parts", 2)),
    )
    search = Operation(
        "GET /search",
        2.5,
        ((Call("finder", "GET /find"),),),
        (Line("search request {id} for term no. {n}"), Line("search page with {n} results rendered", 1)),
    )
    item = Operation(
        "GET /items/:id",
        3.0,
        (
            (Call("shelf", "GET /items/:id"),),
            (
                Call("pricing", "GET /quote"),
                Call("stock", "GET /level"),
                Call("opinions", "GET /list", required=False),
            ),
        ),
        (Line("item page {id} requested"), Line("item page {id} rendered with price {price}", 2)),
        otherwise="item page {id} rendered without offer",
    )
    basket = Operation(
        "POST /basket",
        2.0,
        ((me,), (Call("stock", "GET /level"),), (Call("basket", "POST /lines"),)),
        (Line("add {n} of item {id} to basket"), Line("item is available", 2), Line("basket updated", 3)),
        otherwise="item {id} is not available, basket unchanged",
    )
    checkout = Operation(
        "POST /checkout",
        4.0,
        (
            (me,),
            (Call("basket", "GET /lines"),),
            (Call("till", "POST /orders"),),
            (Call("basket", "DELETE /lines", required=False),),
        ),
        (
            Line("checkout started by member {id}"),
            Line("basket holds {n} lines", 2),
            Line("order {id} accepted, total {price}", 3),
            Line("checkout finished at {at}", 4),
        ),
        otherwise="checkout of member {id} ended without an order",
    )
    return Service("counter", (home, search, item, basket, checkout), pods=3, version="5.2.1")


def _depot() -> Service:
    restock = Operation(
        "POST /restock",
        3.0,
        ((Call("stock", "PUT /level"),), (Call("shelf", "PUT /items/:id"),)),
        (Line("delivery {id} with {n} boxes"), Line("delivery {id} booked", 2)),
    )
    return Service("depot", (restock,))


def _finder() -> Service:
    find = Operation(
        "GET /find",
        6.0,
        ((Call("shelf", "GET /items"),), (Call("pricing", "GET /quotes"),)),
        (
            Line("parsed query {id}"),
            Line("index returned {n} candidates", 1),
            Line("spelling corrected", 1, share=0.15),
            Line("ranked {n} candidates", 2),
        ),
        otherwise="no candidates left for query {id}",
    )
    return Service("finder", (find,), pods=2)


def _shelf() -> Service:
    def reading(name: str, statement: str, text: str, median_ms: float) -> Operation:
        lines = (Line(f"reading {text} {{id}}"), Line(f"{text} read, {{n}} rows", 1))
        return Operation(name, 1.5, ((Query("shelf-db", statement, median_ms),),), lines)

    return Service(
        "shelf",
        (
            reading("GET /featured", "SELECT featured", "featured items", 3.0),
            reading("GET /items", "SELECT items", "item list", 5.0),
            reading("GET /items/:id", "SELECT item", "item", 1.5),
            reading("PUT /items/:id", "UPDATE item", "item version", 4.0),
        ),
        pods=2,
        version="2.14.0",
    )


def _pricing() -> Service:
    quote = Operation(
        "GET /quote",
        2.0,
        ((Call("loyalty", "GET /tier", share=0.4),), (Query("pricing-cache", "GET price", 0.8),)),
        (Line("quote for item {id}"), Line("quoted {price}", 2)),
        otherwise="no price known for item {id}",
    )
    quotes = Operation(
        "GET /quotes",
        4.0,
        ((Query("pricing-cache", "MGET prices", 1.2),),),
        (Line("quotes for {n} items"), Line("quoted a total of {price}", 1)),
        otherwise="no prices known for {n} items",
    )
    return Service("pricing", (quote, quotes), pods=2, version="3.0.7")


def _stock() -> Service:
    level = Operation(
        "GET /level",
        1.2,
        ((Query("stock-db", "SELECT level", 1.6),),),
        (Line("level of item {id} is {n}", 1),),
        otherwise="level of item {id} is unknown",
    )
    change = Operation(
        "PUT /level",
        1.8,
        ((Query("stock-db", "UPDATE level", 4.5),), (Call("letters", "POST /notices", share=0.2),)),
        (Line("level of item {id} set to {n}", 1),),
    )
    reserve = Operation(
        "POST /reservations",
        2.2,
        (
            (Query("stock-db", "SELECT levels FOR UPDATE", 3.0),),
            (Query("stock-db", "INSERT reservation", 4.0),),
        ),
        (
            Line("reserving {n} items for order {id}"),
            Line("locked {n} rows", 1),
            Line("reservation {id} stored", 2),
        ),
        otherwise="order {id} left without reservation",
    )
    return Service("stock", (level, change, reserve), pods=2)


def _basket() -> Service:
    def lines(name: str, statement: str, text: str) -> Operation:
        return Operation(
            name, 1.0, ((Query("basket-cache", statement, 0.6),),), (Line(f"{text} of member {{id}}", 1),)
        )

    return Service(
        "basket",
        (
            lines("GET /lines", "HGETALL basket", "read basket"),
            lines("POST /lines", "HSET basket", "changed basket"),
            lines("DELETE /lines", "DEL basket", "cleared basket"),
        ),
    )


def _members() -> Service:
    me = Operation(
        "GET /me",
        1.8,
        ((Query("members-db", "SELECT member", 1.4),),),
        (Line("session {id} checked"), Line("member no. {n} found", 1)),
        otherwise="session {id} belongs to a guest",
    )
    return Service("members", (me,), pods=2, version="1.9.3")


def _opinions() -> Service:
    def reading(name: str, statement: str, text: str) -> Operation:
        return Operation(
            name, 1.6, ((Query("opinions-db", statement, 3.5),),), (Line(f"{text}: {{n}} opinions", 1),)
        )

    return Service(
        "opinions",
        (reading("GET /top", "SELECT top opinions", "top"), reading("GET /list", "SELECT opinions", "list")),
    )


def _till() -> Service:
    order = Operation(
        "POST /orders",
        5.0,
        (
            (Call("pricing", "GET /quotes"),),
            (Call("stock", "POST /reservations"),),
            (Call("wallet", "POST /charges"),),
            (Call("parcel", "POST /bookings"), Call("letters", "POST /mails", required=False)),
        ),
        (
            Line("order {id} received"),
            Line("order {id} costs {price}", 1),
            Line("order {id} paid", 3),
            Line("order {id} complete at {at}", 4),
        ),
        otherwise="order {id} set aside",
    )
    return Service("till", (order,), pods=2, version="4.4.0")


def _wallet() -> Service:
    charge = Operation(
        "POST /charges",
        4.0,
        ((Query("ledger-db", "INSERT charge", 5.0),), (Call("loyalty", "POST /points", required=False),)),
        (
            Line("charging {price} for order {id}"),
            Line("charge {id} recorded", 1),
            Line("{n} points credited", 2),
        ),
        otherwise="charge {id} held back",
    )
    return Service("wallet", (charge,))


def _loyalty() -> Service:
    tier = Operation(
        "GET /tier",
        0.9,
        ((Query("members-db", "SELECT tier", 1.1),),),
        (Line("member {id} is in tier {n}", 1),),
        otherwise="member {id} is in no tier",
    )
    points = Operation(
        "POST /points",
        1.1,
        ((Query("members-db", "UPDATE points", 2.5),),),
        (Line("{n} points for {id}", 1),),
    )
    return Service("loyalty", (tier, points))


def _parcel() -> Service:
    booking = Operation(
        "POST /bookings",
        3.0,
        ((Query("parcel-db", "INSERT booking", 4.0),),),
        (Line("booking parcel for order {id}"), Line("parcel {id} leaves at {at}", 1)),
        otherwise="no carrier for order {id}",
    )
    return Service("parcel", (booking,))


def _letters() -> Service:
    mail = Operation("POST /mails", 7.0, (), (Line("mail {id} queued"),))
    notice = Operation("POST /notices", 2.0, (), (Line("notice {id} queued"),))
    return Service("letters", (mail, notice))
