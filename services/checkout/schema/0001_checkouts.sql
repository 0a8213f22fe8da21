-- Checkouts, their placements, and what the shop offers: ways of delivery, taxes, ways to pay.

-- One row a cart, for ever: placing again is the same row with the next placement number.
CREATE TABLE checkout (
    id              uuid        NOT NULL,
    shop            text        NOT NULL,
    cart_id         uuid        NOT NULL,
    cart_version    bigint      NOT NULL,
    channel         text        NOT NULL,
    locale          text        NOT NULL,
    currency        text        NOT NULL,
    group_id        uuid        NOT NULL,
    state           text        NOT NULL DEFAULT 'open',
    placement       bigint      NOT NULL DEFAULT 0,
    intent          bigint      NOT NULL DEFAULT 0,
    tries           bigint      NOT NULL DEFAULT 0,
    winning_intent  bigint,
    cart_locked     boolean     NOT NULL DEFAULT false,
    stock_held      boolean     NOT NULL DEFAULT false,
    deadline        timestamptz,
    deadline_max    timestamptz,
    key             text,
    fingerprint     text,
    reason          text,
    decline_code    text,
    redirect_url    text,
    differences     jsonb       NOT NULL DEFAULT '[]',
    shortages       jsonb       NOT NULL DEFAULT '[]',
    delivery_method text,
    method          text,
    capture         text,
    return_url      text,
    personal        jsonb,
    lines           jsonb       NOT NULL,
    groups          jsonb       NOT NULL DEFAULT '[]',
    totals          jsonb       NOT NULL,
    rules           jsonb       NOT NULL DEFAULT '{"included": true, "rates": []}',
    number          text,
    version         bigint      NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT checkout_pkey PRIMARY KEY (id),
    CONSTRAINT checkout_cart_once UNIQUE (shop, cart_id),
    CONSTRAINT checkout_state CHECK (state IN ('open', 'claiming', 'paying', 'action_required', 'declined', 'unknown',
                                               'switching', 'closing', 'failed', 'completed')),
    CONSTRAINT checkout_counts_not_negative CHECK (placement >= 0 AND intent >= 0 AND tries >= 0),
    CONSTRAINT checkout_placed_by_key CHECK (placement = 0 OR (key IS NOT NULL AND fingerprint IS NOT NULL)),
    CONSTRAINT checkout_live_has_deadline CHECK ((deadline IS NOT NULL) = (state NOT IN ('open', 'failed', 'completed'))),
    -- Nobody pays for what is not held.
    CONSTRAINT checkout_claims_before_money CHECK ((cart_locked AND stock_held)
                                                   OR state IN ('open', 'claiming', 'failed')),
    CONSTRAINT checkout_redirect CHECK ((redirect_url IS NOT NULL) = (state = 'action_required')),
    CONSTRAINT checkout_winner CHECK ((winning_intent IS NOT NULL) = (state = 'completed')),
    CONSTRAINT checkout_number CHECK (number IS NULL OR state = 'completed')
) WITH (fillfactor = 70);
CREATE INDEX checkout_deadline ON checkout (deadline) WHERE deadline IS NOT NULL;

-- Each placement with the key that it was asked under, so that a late repeat of an old request is answered with how that
-- placement ended and never places again.
CREATE TABLE placement (
    checkout_id  uuid        NOT NULL,
    placement    bigint      NOT NULL,
    key          text        NOT NULL,
    fingerprint  text        NOT NULL,
    reason       text,
    decline_code text,
    differences  jsonb       NOT NULL DEFAULT '[]',
    shortages    jsonb       NOT NULL DEFAULT '[]',
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    CONSTRAINT placement_pkey PRIMARY KEY (checkout_id, placement),
    CONSTRAINT placement_key_once UNIQUE (checkout_id, key),
    CONSTRAINT placement_checkout FOREIGN KEY (checkout_id) REFERENCES checkout (id),
    CONSTRAINT placement_ends_with_reason CHECK ((ended_at IS NULL) = (reason IS NULL))
);

-- What the shop offers. A row for '*' counts for every shop that has none of its own; likewise for countries.

-- Whether prices of a currency contain the tax, those of goods and of delivery alike.
CREATE TABLE price_terms (
    shop         text        NOT NULL DEFAULT '*',
    currency     text        NOT NULL,
    tax_included boolean     NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT price_terms_pkey PRIMARY KEY (shop, currency)
);

INSERT INTO price_terms (currency, tax_included) VALUES ('EUR', true), ('GBP', true), ('USD', false);

-- 1900 is 19 %. A country without a row for a class takes the one of 'default'.
CREATE TABLE tax_rate (
    shop              text        NOT NULL DEFAULT '*',
    country           text        NOT NULL,
    tax_class         text        NOT NULL,
    rate_basis_points bigint      NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tax_rate_pkey PRIMARY KEY (shop, country, tax_class),
    CONSTRAINT tax_rate_percent CHECK (rate_basis_points BETWEEN 0 AND 10000)
);

INSERT INTO tax_rate (country, tax_class, rate_basis_points) VALUES
    ('default', 'standard', 2000), ('default', 'reduced', 1000), ('default', 'zero', 0),
    ('AT', 'standard', 2000), ('AT', 'reduced', 1000),
    ('BE', 'standard', 2100), ('BE', 'reduced',  600),
    ('DE', 'standard', 1900), ('DE', 'reduced',  700),
    ('ES', 'standard', 2100), ('ES', 'reduced', 1000),
    ('FR', 'standard', 2000), ('FR', 'reduced',  550),
    ('GB', 'standard', 2000), ('GB', 'reduced',  500),
    ('IT', 'standard', 2200), ('IT', 'reduced', 1000),
    ('NL', 'standard', 2100), ('NL', 'reduced',  900),
    ('US', 'standard',  800), ('US', 'reduced',    0);

-- A row that is not enabled takes the method away from its country.
CREATE TABLE delivery_method (
    shop        text        NOT NULL DEFAULT '*',
    method      text        NOT NULL,
    currency    text        NOT NULL,
    country     text        NOT NULL,
    price_minor bigint      NOT NULL,
    days_min    int         NOT NULL,
    days_max    int         NOT NULL,
    label       text        NOT NULL,
    enabled     boolean     NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT delivery_method_pkey PRIMARY KEY (shop, method, currency, country),
    CONSTRAINT delivery_method_name CHECK (method IN ('first_class', 'express')),
    CONSTRAINT delivery_method_price CHECK (price_minor BETWEEN 0 AND 9007199254740991),
    CONSTRAINT delivery_method_days CHECK (days_min BETWEEN 0 AND days_max AND days_max <= 365)
);

INSERT INTO delivery_method (method, currency, country, price_minor, days_min, days_max, label) VALUES
    ('first_class', 'EUR', '*',   790, 4,  8, 'First class'), ('express', 'EUR', '*',  1490, 2, 4, 'Express'),
    ('first_class', 'EUR', 'DE',  390, 2,  4, 'First class'), ('express', 'EUR', 'DE',  590, 1, 2, 'Express'),
    ('first_class', 'GBP', '*',   990, 5,  9, 'First class'), ('express', 'GBP', '*',  1990, 2, 5, 'Express'),
    ('first_class', 'GBP', 'GB',  350, 2,  3, 'First class'), ('express', 'GBP', 'GB',  550, 1, 1, 'Express'),
    ('first_class', 'USD', '*',  1490, 7, 14, 'First class'), ('express', 'USD', '*',  2990, 3, 6, 'Express'),
    ('first_class', 'USD', 'US',  490, 3,  5, 'First class'), ('express', 'USD', 'US',  990, 1, 2, 'Express');

-- `capture` is about cards; other methods are taken when the money comes. `most_minor`: the dearest checkout that may be
-- paid so, null for any; `least_minor` keeps away what providers refuse as too little.
CREATE TABLE payment_method (
    shop        text        NOT NULL DEFAULT '*',
    method      text        NOT NULL,
    currency    text        NOT NULL,
    capture     text        NOT NULL DEFAULT 'instant',
    label       text        NOT NULL,
    enabled     boolean     NOT NULL DEFAULT true,
    place       int         NOT NULL,
    least_minor bigint      NOT NULL DEFAULT 0,
    most_minor  bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_method_pkey PRIMARY KEY (shop, method, currency),
    CONSTRAINT payment_method_name CHECK (method IN ('card', 'bank_transfer', 'cash_on_delivery')),
    CONSTRAINT payment_method_capture CHECK (capture IN ('instant', 'deferred')),
    CONSTRAINT payment_method_limits CHECK (least_minor >= 0 AND most_minor > least_minor)
);

INSERT INTO payment_method (method, currency, label, place, least_minor, most_minor) VALUES
    ('card',             'EUR', 'Credit or debit card',     1, 50, NULL),
    ('card',             'GBP', 'Credit or debit card',     1, 30, NULL),
    ('card',             'USD', 'Credit or debit card',     1, 50, NULL),
    ('bank_transfer',    'EUR', 'Bank transfer in advance', 2,  1, NULL),
    ('bank_transfer',    'GBP', 'Bank transfer in advance', 2,  1, NULL),
    ('bank_transfer',    'USD', 'Bank transfer in advance', 2,  1, NULL),
    ('cash_on_delivery', 'EUR', 'Cash on delivery',         3,  0, 50000),
    ('cash_on_delivery', 'GBP', 'Cash on delivery',         3,  0, 40000),
    ('cash_on_delivery', 'USD', 'Cash on delivery',         3,  0, 50000);

-- Everything that pricing a checkout needs, in one value: a function, so that a statement which locks the checkout's row
-- evaluates it for the row as it is once the lock is there. Without a country there is no tax, and only what is delivered
-- everywhere is offered.
-- In plpgsql, which keeps its plan for the session; a function in SQL would be parsed and planned at every call.
CREATE FUNCTION offers(for_shop text, for_currency text, for_country text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'rules', jsonb_build_object(
            'included', coalesce((SELECT tax_included
                                    FROM price_terms
                                   WHERE shop IN (for_shop, '*') AND currency = for_currency
                                   ORDER BY shop = '*'
                                   LIMIT 1), true),
            'rates', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                 'tax_class', rate.tax_class, 'rate_basis_points', rate.rate_basis_points)
                                 ORDER BY rate.tax_class), '[]')
                        FROM (SELECT DISTINCT ON (tax_class) tax_class, rate_basis_points
                                FROM tax_rate
                               WHERE shop IN (for_shop, '*') AND country IN (for_country, 'default')
                                 AND for_country IS NOT NULL
                               ORDER BY tax_class, country = 'default', shop = '*') rate)),
        'deliveries', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                  'method', way.method, 'label', way.label, 'price_minor', way.price_minor,
                                  'earliest', ((now() AT TIME ZONE 'UTC')::date + way.days_min)::text,
                                  'latest', ((now() AT TIME ZONE 'UTC')::date + way.days_max)::text)
                                  ORDER BY way.price_minor, way.method), '[]')
                         FROM (SELECT DISTINCT ON (method) method, label, price_minor, days_min, days_max, enabled
                                 FROM delivery_method
                                WHERE shop IN (for_shop, '*') AND currency = for_currency
                                  AND country IN (for_country, '*')
                                ORDER BY method, shop = '*', country = '*') way
                        WHERE way.enabled),
        'payments', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                'method', way.method, 'label', way.label, 'capture', way.capture,
                                'least_minor', way.least_minor, 'most_minor', coalesce(way.most_minor, 0))
                                ORDER BY way.place, way.method), '[]')
                       FROM (SELECT DISTINCT ON (method) method, label, capture, place, least_minor, most_minor, enabled
                               FROM payment_method
                              WHERE shop IN (for_shop, '*') AND currency = for_currency
                              ORDER BY method, shop = '*') way
                      WHERE way.enabled));
END;
$$;
