CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  row_key TEXT NOT NULL UNIQUE,
  stream TEXT NOT NULL,
  start INTEGER,
  seq INTEGER,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  is_tombstone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_by_key ON outbox (stream, start, seq);
