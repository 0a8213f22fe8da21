#!/usr/bin/python3
"""Makes products.csv and stock.csv from range.txt. They are kept beside it: run this after changing the range."""

import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent

TAX_CLASSES = {"s": "standard", "r": "reduced", "z": "zero"}
WAREHOUSES = ("berlin", "leeds", "newark")
PLENTY = 20_000

# Minor units for 100 euro cents. Dollar prices are without tax.
RATES = {"EUR": 100, "GBP": 86, "USD": 98}


def price(euro_cents, currency, tax):
    """Prices end as people expect them to; what isn't taxed is worth its number in each currency."""
    if currency == "EUR" or tax == "z":
        return euro_cents
    converted = euro_cents * RATES[currency] // 100
    return converted // 100 * 100 + (99 if currency == "USD" else 95 if converted % 100 >= 50 else 50)


def stock(text):
    """Pieces by warehouse."""
    if not text:
        return dict.fromkeys(WAREHOUSES, PLENTY)
    if text in WAREHOUSES:
        return {text: PLENTY}
    return dict(zip(WAREHOUSES, map(int, text.split(","))))


def variants(text):
    """(name, euro cents that it costs more than the product) of each."""
    for variant in text.split(","):
        name, _, more = variant.strip().partition("+")
        yield name, int(more or 0)


def read_range():
    for line in (HERE / "range.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


def write(name, heading, rows):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)


def main():
    products, levels = [], []
    for code, title, description, tax, euros, grams, names, where in read_range():
        cents = int(euros.replace(".", ""))
        for name, more in variants(names):
            sku = f"{code}-{name.upper()}"
            name = name.replace("-", " ")
            for currency in RATES:
                products.append((code, title, description, TAX_CLASSES[tax], sku, f"{title}, {name}", currency,
                                 price(cents + more, currency, tax), grams))
            levels += [(sku, warehouse, pieces) for warehouse, pieces in stock(where).items()]
    write("products.csv", ("code", "title", "description", "tax_class", "sku", "variant_title", "currency", "price",
                           "weight_grams"), products)
    write("stock.csv", ("sku", "warehouse", "on_hand"), levels)


if __name__ == "__main__":
    main()
