-- The double-entry ledger. Entries are only ever added; the database itself refuses what does not balance, and every
-- change.
--
-- An entry is one row with all of its postings, so whether it balances is a CHECK on this row, made when it is inserted,
-- and nothing can be added to it later. The view ledger_posting shows the postings one by one.
--
-- Balances are kept only where there is a bound to defend (what an order owes, what is held, what we owe a customer), in
-- the payment's own row, which is locked and written with its entries. All other accounts are summed when somebody asks: a
-- row that every capture writes would let one capture pass at a time. For the same reason an account's name is checked by
-- a list and not by a key to a shared row.

CREATE DOMAIN ledger_account AS text
    CONSTRAINT ledger_account CHECK (VALUE IN ('receivable', 'deferred_revenue', 'customer_money', 'refunds',
                                               'psp_clearing', 'carrier_cod', 'bank', 'bank_unmatched', 'auth_held',
                                               'auth_contra'));

-- Whether an entry has two postings or more, each whole, each of an amount that JSON can carry, that sum to zero.
CREATE FUNCTION ledger_balances(accounts ledger_account[], subjects text[], amounts bigint[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    total  numeric := 0;
    amount bigint;
BEGIN
    IF cardinality(amounts) < 2 OR cardinality(accounts) <> cardinality(amounts)
       OR cardinality(subjects) <> cardinality(amounts) OR array_position(accounts, NULL) IS NOT NULL
       OR array_position(subjects, NULL) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOREACH amount IN ARRAY amounts LOOP
        IF amount IS NULL OR amount = 0 OR abs(amount) > 9007199254740991 THEN
            RETURN false;
        END IF;
        total := total + amount;
    END LOOP;
    RETURN total = 0;
END;
$$;

CREATE TABLE ledger_entry (
    id         bigint           GENERATED ALWAYS AS IDENTITY,
    payment_id uuid,
    what       text             NOT NULL,
    cause      text             NOT NULL,
    currency   text             NOT NULL,
    accounts   ledger_account[] NOT NULL, -- of each posting
    subjects   text[]           NOT NULL,
    amounts    bigint[]         NOT NULL,
    created_at timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entry_once PRIMARY KEY (cause),
    CONSTRAINT ledger_entry_balanced CHECK (ledger_balances(accounts, subjects, amounts))
);
CREATE INDEX ledger_entry_payment ON ledger_entry (payment_id, id);

CREATE VIEW ledger_posting AS
SELECT entry.id AS entry_id, posting.line, posting.account::text AS account, posting.subject, entry.currency, posting.amount
  FROM ledger_entry AS entry,
       unnest(entry.accounts, entry.subjects, entry.amounts) WITH ORDINALITY AS posting (account, subject, amount, line);

-- The balances as accounts. Their domain is the bound: a customer owes us, a promise is held, and we owe a customer, never
-- the other way round.
CREATE VIEW ledger_balance AS
SELECT kept.account, payment.id::text AS subject, payment.currency, kept.balance
  FROM payment,
       LATERAL (VALUES ('receivable', payment.receivable_minor::bigint),
                       ('auth_held', payment.held_minor::bigint),
                       ('customer_money', -payment.owed_minor::bigint)) AS kept (account, balance);

-- The service owns its tables, so taking its rights away would bind nobody; these triggers do, and cost an insert nothing.
CREATE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed; book a reversing entry'
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END;
$$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_balances_kept BEFORE DELETE OR TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
