-- Checkouts, how their earlier placements ended, and what the shop offers: ways of delivery, taxes, ways to pay.
--
-- A table's CHECK is read anew for each statement that writes, and an order writes its checkout nine times. So a state is
-- a type's to judge, the one CHECK that stays keeps money away from what is not held, and the statement that moves a
-- checkout asks for the rest itself (checkout_save). What SQL never looks into is json, which is stored as it came.

-- In this order, so that one comparison tells the states that need no claims: those before 'paying'.
CREATE TYPE checkout_state AS ENUM ('open', 'failed', 'claiming', 'paying', 'action_required', 'declined', 'unknown',
                                    'switching', 'closing', 'completed');

-- One row a cart, for ever: placing again is the same row with the next placement number. Lines are those of the cart;
-- groups, totals and rules are what the last placement froze, and before it what is shown is computed at each look. The
-- wide columns come last: a move leaves them alone, and PostgreSQL then logs only what lies before them.
CREATE TABLE checkout (
    id              uuid           NOT NULL,
    cart_id         uuid           NOT NULL,
    group_id        uuid           NOT NULL,
    cart_version    bigint         NOT NULL,
    version         bigint         NOT NULL,
    placement       bigint         NOT NULL DEFAULT 0,
    intent          bigint         NOT NULL DEFAULT 0,
    tries           bigint         NOT NULL DEFAULT 0,
    winning_intent  bigint,
    state           checkout_state NOT NULL DEFAULT 'open',
    cart_locked     boolean        NOT NULL DEFAULT false,
    stock_held      boolean        NOT NULL DEFAULT false,
    deadline        timestamptz,
    deadline_max    timestamptz,
    created_at      timestamptz    NOT NULL DEFAULT now(),
    updated_at      timestamptz    NOT NULL DEFAULT now(),
    shop            text           NOT NULL,
    channel         text           NOT NULL,
    locale          text           NOT NULL,
    currency        text           NOT NULL,
    key             text,
    fingerprint     text,
    reason          text,
    decline_code    text,
    redirect_url    text,
    differences     json,
    shortages       json,
    delivery_method text,
    method          text,
    capture         text,
    return_url      text,
    number          text,
    personal        json,
    totals          json,
    rules           json,
    groups          json,
    lines           json           NOT NULL,
    CONSTRAINT checkout_pkey PRIMARY KEY (id),
    CONSTRAINT checkout_cart_once UNIQUE (cart_id, shop),
    -- Nobody pays for what is not held.
    CONSTRAINT checkout_claims_before_money CHECK (state <= 'claiming' OR cart_locked AND stock_held)
) WITH (fillfactor = 70);
CREATE INDEX checkout_deadline ON checkout (deadline) WHERE deadline IS NOT NULL;

-- Placements that failed and were followed by another one, with the key that each was asked under: so a late repeat of an
-- old request is answered with how that placement ended, and never places again. How the last one goes is in its checkout.
CREATE TABLE placement (
    checkout_id  uuid        NOT NULL,
    key          text        NOT NULL,
    placement    bigint      NOT NULL,
    fingerprint  text        NOT NULL,
    reason       text        NOT NULL,
    decline_code text,
    differences  json,
    shortages    json,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT placement_pkey PRIMARY KEY (checkout_id, key),
    CONSTRAINT placement_checkout FOREIGN KEY (checkout_id) REFERENCES checkout (id)
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

-- Counts the changes of the four tables above. Processes keep what is offered in memory; each statement that reads or locks
-- a checkout for its shopper tells this number, so that what is kept is used only while nothing has changed.
CREATE TABLE offers_version (
    only_row boolean NOT NULL DEFAULT true,
    version  bigint  NOT NULL,
    CONSTRAINT offers_version_pkey PRIMARY KEY (only_row),
    CONSTRAINT offers_version_single CHECK (only_row)
);
INSERT INTO offers_version (version) VALUES (1);

-- Whoever changes an offer may have another search_path.
CREATE FUNCTION offers_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE offers_version SET version = version + 1;
    RETURN NULL;
END;
$$;

CREATE TRIGGER price_terms_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON price_terms
    FOR EACH STATEMENT EXECUTE FUNCTION offers_changed();
CREATE TRIGGER tax_rate_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tax_rate
    FOR EACH STATEMENT EXECUTE FUNCTION offers_changed();
CREATE TRIGGER delivery_method_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON delivery_method
    FOR EACH STATEMENT EXECUTE FUNCTION offers_changed();
CREATE TRIGGER payment_method_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON payment_method
    FOR EACH STATEMENT EXECUTE FUNCTION offers_changed();
