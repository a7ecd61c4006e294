-- Orders to erase a device, signed by the publishers' side. What is signed, and passed on, is the text itself.
CREATE TABLE wipe_orders (
  device TEXT NOT NULL,
  order_id TEXT NOT NULL,
  document TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  ordered_at_ms INTEGER NOT NULL,
  PRIMARY KEY (device, order_id)
);
