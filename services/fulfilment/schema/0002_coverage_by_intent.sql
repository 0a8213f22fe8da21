-- Money counts for an order only if it came by the intent that the order was placed with: money of a dead intent is
-- given back by payment, and neither its capture nor its refund may decide whether the goods leave.

ALTER TABLE fulfilment_order ADD COLUMN intent bigint NOT NULL DEFAULT 1;
ALTER TABLE fulfilment_order ALTER COLUMN intent DROP DEFAULT;

ALTER TABLE coverage ADD COLUMN intent bigint NOT NULL DEFAULT 1;
ALTER TABLE coverage ALTER COLUMN intent DROP DEFAULT;
ALTER TABLE coverage DROP CONSTRAINT coverage_pkey;
ALTER TABLE coverage ADD CONSTRAINT coverage_pkey PRIMARY KEY (order_id, intent);
