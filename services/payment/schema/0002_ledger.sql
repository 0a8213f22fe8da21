-- The double-entry ledger. Entries are only ever added; the database itself refuses what does not balance, what comes
-- later than its entry, and every change.
--
-- Balances are kept only where there is a bound to defend (what an order owes, what is held, what we owe a customer),
-- and those rows belong to one payment. All other accounts are summed when somebody asks: a row that every capture
-- writes would let one capture pass at a time. For the same reason an account's name is checked by a list and not by
-- a key to a shared row.

CREATE TABLE ledger_entry (
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    payment_id  uuid,
    what        text        NOT NULL,
    cause       text        NOT NULL,
    currency    text        NOT NULL,
    transaction xid8        NOT NULL DEFAULT pg_current_xact_id(),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entry_pkey PRIMARY KEY (id),
    CONSTRAINT ledger_entry_once UNIQUE (cause),
    CONSTRAINT ledger_entry_currency UNIQUE (id, currency)
);
CREATE INDEX ledger_entry_payment ON ledger_entry (payment_id, id);

CREATE TABLE ledger_posting (
    entry_id bigint NOT NULL,
    line     int    NOT NULL,
    account  text   NOT NULL,
    subject  text   NOT NULL DEFAULT '',
    currency text   NOT NULL,
    amount   bigint NOT NULL,
    CONSTRAINT ledger_posting_pkey PRIMARY KEY (entry_id, line),
    CONSTRAINT ledger_posting_entry FOREIGN KEY (entry_id, currency) REFERENCES ledger_entry (id, currency),
    CONSTRAINT ledger_posting_account CHECK (account IN ('receivable', 'deferred_revenue', 'customer_money', 'refunds',
                                                         'psp_clearing', 'carrier_cod', 'bank', 'bank_unmatched',
                                                         'auth_held', 'auth_contra')),
    CONSTRAINT ledger_posting_amount CHECK (amount <> 0 AND amount BETWEEN -9007199254740991 AND 9007199254740991)
);
CREATE INDEX ledger_posting_account_of ON ledger_posting (account, subject);

CREATE TABLE ledger_balance (
    account    text        NOT NULL,
    subject    text        NOT NULL,
    currency   text        NOT NULL,
    balance    bigint      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_balance_pkey PRIMARY KEY (account, subject, currency),
    -- A customer owes us, a promise is held, and we owe a customer: never the other way round.
    CONSTRAINT ledger_balance_bound CHECK (CASE account WHEN 'customer_money' THEN balance <= 0 ELSE balance >= 0 END)
) WITH (fillfactor = 80);

-- At commit: each new entry has two lines or more, and they sum to zero.
CREATE FUNCTION ledger_check_balanced() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    lines bigint;
    total numeric;
BEGIN
    SELECT count(*), sum(amount) INTO lines, total FROM ledger_posting WHERE entry_id = NEW.id;
    IF lines < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balanced();

-- An entry is sealed by the end of its transaction. The transaction's number, not the row's xmin, since that would be
-- the savepoint's inside one.
CREATE FUNCTION ledger_check_sealed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN ledger_entry e ON e.id = a.entry_id
                WHERE e.transaction <> pg_current_xact_id()) THEN
        RAISE EXCEPTION 'the ledger entry is sealed'
              USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_posting_sealed';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER ledger_posting_sealed AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_sealed();

CREATE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed; book a reversing entry'
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END;
$$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_balance_kept BEFORE DELETE OR TRUNCATE ON ledger_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
