"""The load of a run: people of every kind, buying until they are told to stop, and a book of what each was told."""

import concurrent.futures
import dataclasses
import itertools

from buyers import Book
from shop import DECLINED_CARD, GOOD_CARD, Erp, Refused

PATIENCE = 45     # seconds
IMPATIENCE = 0.3  # of somebody who leaves without knowing
PLENTY = {"berlin": 50_000, "leeds": 50_000}
SCARCE = {"berlin": 4, "leeds": 3}
LAST = {"berlin": 1}
LAST_SKUS = 40
SKUS = 3


@dataclasses.dataclass(frozen=True)
class Persona:
    method: str
    patience: float = PATIENCE
    card: str = GOOD_CARD
    scarce: bool = False
    cancels: bool = False


PERSONAS = (
    Persona("card"),
    Persona("bank_transfer"),
    Persona("card", scarce=True),
    Persona("cash_on_delivery"),
    Persona("card", cancels=True),
    Persona("bank_transfer", patience=IMPATIENCE),
    Persona("card"),
    Persona("card", card=DECLINED_CARD),
    Persona("bank_transfer", cancels=True),
    Persona("card", patience=IMPATIENCE),
    Persona("cash_on_delivery", scarce=True),
)


class Crowd:
    """So many shoppers at a time, each beginning anew when done. `stocked`: pieces of each SKU at the beginning. `bought`:
    purchases with an order that its shopper wants to keep. With `all_want_last` as many as there are want one last piece
    after the other."""

    def __init__(self, size, all_want_last=False):
        erp = Erp(patience=PATIENCE)
        self.size = size
        self.book = Book()
        self.bought = []
        self.plenty = [erp.offer(stock=PLENTY) for _ in range(SKUS)]
        self.personas = [persona for persona in PERSONAS if persona.scarce or not all_want_last]
        scarce = LAST if all_want_last else SCARCE
        self.scarce = [erp.offer(stock=scarce) for _ in range(LAST_SKUS if all_want_last else 1)]
        self.stocked = (dict.fromkeys(self.plenty, sum(PLENTY.values()))
                        | dict.fromkeys(self.scarce, sum(scarce.values())))

    def shop_until(self, done):
        numbers = itertools.count()

        def keep_buying(_):
            while not done.is_set():
                number = next(numbers)
                persona = self.personas[number % len(self.personas)]
                skus = self.scarce if persona.scarce else self.plenty
                self._buy(persona, skus[number // self.size % len(skus)])

        with concurrent.futures.ThreadPoolExecutor(self.size) as pool:
            list(pool.map(keep_buying, range(self.size)))

    def _buy(self, persona, sku):
        purchase = self.book.buy(sku, persona.method, persona.patience, persona.card)
        if purchase.outcome != "done":
            return
        if not persona.cancels:
            self.bought.append(purchase)
        else:
            try:
                purchase.shopper.cancel_order()
                purchase.cancelled = "done"
            except (Refused, OSError):
                purchase.cancelled = "unknown"

    def ask_again(self):
        """What everybody is told of their placement now."""
        def ask(purchase):
            purchase.shopper.door.patience = PATIENCE
            try:
                placement = purchase.shopper.placement()
                purchase.later = placement["state"]
                if purchase.later == "placed" and purchase.number not in (None, placement["order"]["number"]):
                    purchase.later = f"placed as {placement['order']['number']}"
            except Refused as refusal:
                purchase.later = f"status {refusal.status}"

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, [each for each in self.book.purchases if each.checkout_id]))
