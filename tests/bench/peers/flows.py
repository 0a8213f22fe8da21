"""How a shopper buys at each peer: eight requests, from an empty cart with two things to an order that is paid later, as a
purchase by bank transfer is at Waybill; and what their databases say of stock and orders."""

import random

from shoppers import Broken, Refused

PIECES = 20  # of what is scarce


def says_sold_out(answer):
    """Medusa has two ways to say it."""
    return any(word in str(answer) for word in ("required inventory", "Not enough stock"))


class Vendure:
    """Its storefront API is GraphQL; an order in the making belongs to a session."""

    name = "vendure"
    health = "/health"
    warm_seconds = 15  # under load a process of Node compiles for a while what it runs
    scarce_seconds = 20

    ORDER = ("__typename ... on Order { code state totalWithTax lines { quantity linePriceWithTax } }"
             " ... on ErrorResult { errorCode message }")
    STEPS = {
        "add line": "mutation ($thing: ID!, $quantity: Int!) { addItemToOrder(productVariantId: $thing, quantity: $quantity) { %s } }",
        "customer": "mutation ($who: CreateCustomerInput!) { setCustomerForOrder(input: $who) { %s } }",
        "delivery address": "mutation ($where: CreateAddressInput!) { setOrderShippingAddress(input: $where) { %s } }",
        "billing address": "mutation ($where: CreateAddressInput!) { setOrderBillingAddress(input: $where) { %s } }",
        "delivery": "mutation ($way: [ID!]!) { setOrderShippingMethod(shippingMethodId: $way) { %s } }",
        "to payment": 'mutation { transitionOrderToState(state: "ArrangingPayment") { %s } }',
        "place": "mutation ($how: PaymentInput!) { addPaymentToOrder(input: $how) { %s } }",
    }
    ADDRESS = {"fullName": "Ada Muster", "streetLine1": "Am Hafen 1", "city": "Berlin", "postalCode": "10115",
               "countryCode": "DE"}

    def __init__(self, filled):
        self.things = filled["variants"]

    def buy(self, line):
        session = {}

        def step(name, **variables):
            document = {"query": self.STEPS[name] % self.ORDER, "variables": variables}
            _, answer, headers = line.post(name, "/shop-api", document, session)
            result = next(iter((answer.get("data") or {}).values()), None)
            if result is None or "errors" in answer:
                raise Broken(f"{name}: {answer}")
            if result.get("errorCode") in ("INSUFFICIENT_STOCK_ERROR", "ORDER_STATE_TRANSITION_ERROR"):
                raise Refused
            if result["__typename"] != "Order":
                raise Broken(f"{name}: {answer}")
            if "vendure-auth-token" in headers:
                session["Authorization"] = "Bearer " + headers["vendure-auth-token"]
            return result

        many = len(self.things) > 1
        step("add line", thing=random.choice(self.things), quantity=1)
        if many:
            step("add line", thing=random.choice(self.things), quantity=2)
        step("customer", who={"firstName": "Ada", "lastName": "Muster", "emailAddress": f"ada{random.getrandbits(60)}@example.com"})
        step("delivery address", where=self.ADDRESS)
        step("billing address", where=self.ADDRESS)
        step("delivery", way=["1"])
        step("to payment")
        order = step("place", how={"method": "later", "metadata": {}})
        if order["state"] != "PaymentAuthorized":
            raise Broken(f"place: {order}")

    ORDERS = 'SELECT count(*) FROM "order" WHERE "orderPlacedAt" IS NOT NULL'

    def make_scarce(self, sql):
        """Leaves so many pieces of one thing, which shoppers want from now on. Gives the query of how many orders have."""
        thing = self.things[0]
        sql(f"""UPDATE stock_level SET "stockOnHand" = "stockAllocated" + {PIECES} WHERE "productVariantId" = {thing}""")
        self.things = [thing]
        return f"""SELECT coalesce(sum(quantity), 0) FROM stock_movement WHERE type = 'ALLOCATION' AND "productVariantId" = {thing}"""


class Medusa:
    """Its storefront API is REST; a cart is known by its number."""

    name = "medusa"
    health = "/health"
    warm_seconds = 45  # with 32 shoppers one order takes half a minute
    scarce_seconds = 60

    ADDRESS = {"first_name": "Ada", "last_name": "Muster", "address_1": "Am Hafen 1", "city": "Berlin",
               "postal_code": "10115", "country_code": "de"}

    def __init__(self, filled):
        self.things, self.region, self.option = filled["variants"], filled["region"], filled["option"]
        self.headers = {"x-publishable-api-key": filled["key"]}

    def buy(self, line):
        def step(name, path, **body):
            status, answer, _ = line.post(name, "/store/" + path, body, self.headers)
            if status == 400 and says_sold_out(answer):
                raise Refused
            if status != 200:
                raise Broken(f"{name}: {status} {answer}")
            return answer

        cart = step("create cart", "carts", region_id=self.region)["cart"]["id"]
        step("add line", f"carts/{cart}/line-items", variant_id=random.choice(self.things), quantity=1)
        if len(self.things) > 1:
            step("add line", f"carts/{cart}/line-items", variant_id=random.choice(self.things), quantity=2)
        step("addresses", f"carts/{cart}", email=f"ada{random.getrandbits(60)}@example.com", shipping_address=self.ADDRESS,
             billing_address=self.ADDRESS)
        step("delivery", f"carts/{cart}/shipping-methods", option_id=self.option)
        payment = step("payment", "payment-collections", cart_id=cart)["payment_collection"]["id"]
        step("payment method", f"payment-collections/{payment}/payment-sessions", provider_id="pp_system_default")
        if (placed := step("place", f"carts/{cart}/complete"))["type"] != "order":
            if says_sold_out(placed):
                raise Refused
            raise Broken(f"place: {placed}")

    ORDERS = 'SELECT count(*) FROM "order"'

    def make_scarce(self, sql):
        thing = self.things[0]
        item = sql(f"SELECT inventory_item_id FROM product_variant_inventory_item WHERE variant_id = '{thing}'")
        sql(f"""UPDATE inventory_level SET stocked_quantity = reserved_quantity + {PIECES},
                       raw_stocked_quantity = jsonb_build_object('value', (reserved_quantity + {PIECES})::text, 'precision', 20)
                 WHERE inventory_item_id = '{item}'""")
        self.things = [thing]
        return f"SELECT coalesce(sum(quantity), 0) FROM reservation_item WHERE inventory_item_id = '{item}'"
