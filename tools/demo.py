#!/usr/bin/python3
"""make demo: an order from the first item to the parcel at the door, in the running stack, told as it happens.

    tools/demo.py [--state .waybill] [--no-card]

Everything goes through the gateways, as a shop's own storefront, its staff, its bank and its carrier would do it.
"""

import argparse
import itertools
import os
import sys
import textwrap
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/journeys")]
sys.dont_write_bytecode = True

from shop import (ADDRESS_DE, ADDRESS_GB, DECLINED_CARD, GOOD_CARD, MERCHANT, Carrier, Clerk, Finance, HostedPage,
                  Refused, Shopper, Warehouse, events, mails_to)
from support import StackError, eventually, stack

WIDTH = 100
acts = itertools.count(1)


# -- Paper ------------------------------------------------------------------------------------------------------------


def act(title):
    print(f"\n\n{next(acts)}. {title}\n{'=' * (len(title) + 3)}")


def say(text):
    print("\n" + textwrap.fill(text, WIDTH))


def did(request, what):
    """A request and what came of it."""
    print(f"  {request:<46} {what}")


def shows(title, lines):
    """Something that a person looks at."""
    print(f"\n  {title}")
    for line in lines:
        print(f"  | {line}".rstrip())


def money(value):
    whole, cents = divmod(abs(value["amount"]), 100)
    return f"{'-' if value['amount'] < 0 else ''}{whole}.{cents:02} {value['currency']}"


def show_priced(title, priced):
    """The lines of a cart or a checkout with their sums."""
    lines = [f"{line['quantity']:3} x {line['title']:<40} {money(line['unit_price']):>12} {money(line['total']):>14}"
             for line in priced["lines"]]
    if "totals" in priced:
        totals = priced["totals"]
        delivery = priced["groups"][0]
        included = "Tax included" if totals["tax_included"] else "Tax"
        lines += [f"{'Delivery, ' + delivery['label']:<58} {money(totals['delivery']):>14}",
                  f"{included:<58} {money(totals['tax']):>14}", f"{'Total':<58} {money(totals['total']):>14}"]
    else:
        lines.append(f"{'Sum':<58} {money(priced['subtotal']):>14}")
    shows(title, lines)


def show_order(order):
    status = ", ".join(filter(None, (order["status"], order.get("sub_status"))))
    paid = order["payments"][0]
    lines = [f"Order {order['number']}: {status}",
             f"{paid['method']}: {money(paid['captured'])} of {money(paid['amount'])} paid"]
    for parcel in order["shipments"]:
        tracking = f", {parcel['tracking_url']}" if "tracking_url" in parcel else ""
        lines.append(f"Parcel {parcel['number']} from {parcel['warehouse']}: {parcel['state']}{tracking}")
    shows("The customer sees:", lines)


def show_events(events, detail=lambda event: ""):
    for event in events:
        print(f"  {event.sequence:5} {event.type:<26} {detail(event)}".rstrip())


def show_mails(mails):
    for mail in mails:
        text = [line.rstrip() for line in mail.text.strip().splitlines()]
        shows(f"Mail to {mail.to[0]}: {mail.subject}", text)


# -- The story --------------------------------------------------------------------------------------------------------


class Demo:
    def __init__(self):
        self.clerk, self.warehouse, self.finance, self.carrier = Clerk(), Warehouse(), Finance(), Carrier()
        self.shown_mails = 0

    def order_when(self, shopper, sub_status):
        """The order as the customer sees it, once it got there."""
        def look():
            order = shopper.order()
            return order if order.get("sub_status") == sub_status else None
        return eventually(look)

    def new_mails(self, shopper, count=1):
        """Waits for so many more mails to the shopper, and shows them."""
        mails = eventually(lambda: shopper.mails() if len(shopper.mails()) >= self.shown_mails + count else None)
        show_mails(mails[self.shown_mails:])
        self.shown_mails = len(mails)

    def fill_cart(self):
        act("A visitor fills a cart")
        say("No account is needed: opening a cart gives a token, and that token opens this cart, its checkout and its "
            "order, and nothing else.")
        print()
        shopper = Shopper(locale="en-GB")
        did("POST /carts", f"a cart in EUR; the token has {len(shopper.token)} characters")
        for sku, quantity in (("CUP-BLUE", 2), ("PAN-IRON-24-CM", 1), ("BOOK-BREAD-HARDCOVER", 1)):
            cart = shopper.add(sku, quantity)
            did("POST /carts/.../items", f"{quantity} x {sku}")
        show_priced("The cart:", cart)
        listed = next(each for each in self.clerk.carts() if each["id"] == shopper.cart_id)
        say(f"Staff see it among their carts: {listed['quantity']} pieces, {money(listed['subtotal'])}, "
            f"{listed['state']}. On the topic waybill.cart:")
        eventually(lambda: len(events("cart", shopper.cart_id)) == 4)
        show_events(events("cart", shopper.cart_id),
                    lambda event: f"{event.value.get('added', '')} {event.value.get('sku', '')}")
        return shopper

    def check_out(self, shopper):
        act("The checkout")
        print()
        shopper.open_checkout()
        did("POST /carts/.../checkout", f"checkout {shopper.checkout_id}")
        shopper.set_addresses(shipping=ADDRESS_GB, billing=ADDRESS_DE)
        did("PUT  /checkouts/.../addresses", "to Leeds; the invoice goes to Berlin")
        ways = shopper.delivery_options()
        shopper.set_delivery("express")
        did("PUT  /checkouts/.../delivery", "express")
        checkout = shopper.set_payment("bank_transfer")
        did("PUT  /checkouts/.../payment", "bank transfer")
        shows("Ways of delivery to there:", [f"{way['label']:<16} {money(way['price']):>12}   "
                                             f"{way['earliest']} to {way['latest']}" for way in ways])
        show_priced("The checkout; taxes and delivery are those of the place where it goes:", checkout)

    def place(self, shopper):
        act("Placing the order")
        say("Placing names the total that was shown. Behind it, cart locks its lines and fulfilment holds the stock, "
            "both at once; only then payment is asked; only then there is an order.")
        print()
        began = time.monotonic()
        placement = shopper.place()
        took = round((time.monotonic() - began) * 1000)
        did("POST /checkouts/.../place", f"{placement['state']} after {took} ms: order {placement['order']['number']}")
        order = shopper.order()
        show_order(order)
        print("\n  What the services told each other:")
        for topic in ("checkout", "cart", "hold", "payment", "order"):
            key = order["cart_id"] if topic == "cart" else order["id"]
            skipped = 4 if topic == "cart" else 0
            show_events(eventually(lambda topic=topic, key=key: events(topic, key))[skipped:])
        self.new_mails(shopper)
        merchant = eventually(lambda: [mail for mail in mails_to(MERCHANT) if order["number"] in mail.subject])
        say(f"The merchant has a mail too: \"{merchant[0].subject}\". The badge of the back office counts "
            f"{self.clerk.unseen()} orders that nobody has opened yet.")
        return order

    def pay(self, shopper, order):
        act("The money arrives")
        shipment = self.warehouse.shipments(order["id"])[0]
        say(f"Fulfilment planned parcel {shipment['number']}: "
            f"\"{self.warehouse.shipment(shipment['id'])['reason']}\". Nothing leaves the house unpaid:")
        print()
        try:
            self.warehouse.release(shipment["id"])
        except Refused as refused:
            did("POST /shipments/.../release", f"{refused.status}: {refused.problem['detail']}")
        receipt = self.finance.receipt(order["payment_reference"], order["totals"]["total"], "Joan Example")
        did("POST /payments/receipts", f"{money(receipt['amount'])} with {receipt['reference']}: {receipt['outcome']}")
        self.warehouse.covered(shipment["id"])
        entries = self.finance.ledger(order["id"])
        shows("The ledger, where each entry sums to nothing:", [
            f"{entry['what']:<12} {posting['account']:<44} {money(posting['amount']):>14}"
            for entry in entries for posting in entry["postings"]])
        eventually(lambda: shopper.order()["payments"][0]["captured"] == order["totals"]["total"])
        show_order(shopper.order())
        return shipment

    def send(self, shopper, shipment):
        act("The warehouse")
        print()
        self.warehouse.release(shipment["id"])
        did("POST /shipments/.../release", "the warehouse may pick")
        picklist, slip = self.warehouse.picklist(shipment["id"]), self.warehouse.packing_slip(shipment["id"])
        did("GET  /shipments/.../picklist", f"a page to print, {picklist.count('<svg')} barcodes")
        did("GET  /shipments/.../packing-slip", f"a page to print, {slip.count('<svg')} barcode")
        self.warehouse.pick(shipment["id"])
        did("POST /shipments/.../pick", "off the shelves")
        self.warehouse.pack(shipment["id"])
        did("POST /shipments/.../pack", "in a box")
        shipped = self.warehouse.ship(shipment["id"], carrier="royal_mail")
        did("POST /shipments/.../ship", f"{shipped['carrier']} {shipped['tracking_number']}")
        show_order(self.order_when(shopper, "On transit"))
        self.new_mails(shopper)
        return shipped["tracking_number"]

    def deliver(self, shopper, tracking_number):
        act("The parcel arrives")
        print()
        self.carrier.in_transit(tracking_number, note="Sorted in Leeds")
        did("POST /webhooks/carrier", "in transit, signed by the carrier")
        self.carrier.delivered(tracking_number)
        did("POST /webhooks/carrier", "delivered")
        self.carrier.delivered(tracking_number)
        did("POST /webhooks/carrier", "delivered, as carriers like to say twice")
        show_order(self.order_when(shopper, "Delivered"))
        self.new_mails(shopper)

    def look_back(self, shopper, order):
        act("Looking back")
        shows("The timeline that staff see:", [
            f"{entry['at'][11:23]}  {entry['by']:<12} {entry['text']}"
            + (f" ({entry['detail']})" if "detail" in entry else "") for entry in self.clerk.timeline(order["id"])])
        shipment = shopper.order()["shipments"][0]
        print("\n  The order's and the parcel's events on Kafka, each key numbered without a hole:")
        show_events(events("order", order["id"]) + events("shipment", shipment["id"]))
        say(f"The customer's own page: {shopper.door.urls[0]}/orders/{order['id']}/page?token={shopper.token}")

    def pay_by_card(self):
        act("Another shopper pays by card")
        say("The card number is typed on the payment provider's page; it never enters Waybill.")
        print()
        shopper = Shopper()
        shopper.add("TEAPOT-WHITE")
        shopper.check_out(payment="card", return_url="http://localhost/thanks")
        placement = shopper.place()
        did("POST /checkouts/.../place", placement["state"])
        page = HostedPage(placement["redirect_url"])
        did(f"GET  {urllib.parse.urlsplit(page.url).path[:36]}...", "the page asks for a card")
        did("a card that is declined", f"\"{page.pay(DECLINED_CARD).alert}\"")
        did("a good card", f"back to {page.pay(GOOD_CARD).url.partition('?')[0]}")
        eventually(lambda: shopper.placement(wait=10)["state"] == "placed")
        order = eventually(lambda: shopper.order() if shopper.order()["payments"][0]["captured"]["amount"] else None)
        show_order(order)
        print("\n  On waybill.payment:")
        show_events(eventually(lambda: [event for event in events("payment", order["id"])
                                        if events("payment", order["id"])[-1].type == "payment.captured"]))

    def tell(self, with_card):
        shopper = self.fill_cart()
        self.check_out(shopper)
        order = self.place(shopper)
        shipment = self.pay(shopper, order)
        number = self.send(shopper, shipment)
        self.deliver(shopper, number)
        self.look_back(shopper, order)
        if with_card and stack().alive("psp-sandbox"):
            self.pay_by_card()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--state", type=Path, default=ROOT / ".waybill", help="the state folder (default: .waybill)")
    parser.add_argument("--no-card", action="store_true", help="leaves out the payment by card")
    options = parser.parse_args()
    os.environ["WAYBILL_TEST_STATE"] = str(options.state)
    began = time.monotonic()
    try:
        Demo().tell(not options.no_card)
    except (AssertionError, StackError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    print(f"\nThat was {time.monotonic() - began:.1f} s. What runs is listed by: python3 deploy/local/stack.py status")
    return 0


if __name__ == "__main__":
    sys.exit(main())
