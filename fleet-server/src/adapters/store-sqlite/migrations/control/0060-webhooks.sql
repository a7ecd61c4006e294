CREATE TABLE webhooks (
  name TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  -- JSON array of event kinds.
  kinds TEXT NOT NULL,
  -- As it is: every message is signed with it.
  secret TEXT NOT NULL,
  -- The last event that was looked at for it.
  cursor INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
);

CREATE TABLE webhook_deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  webhook TEXT NOT NULL,
  -- Null for a test.
  event_seq INTEGER,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER,
  code TEXT,
  detail TEXT,
  created_at_ms INTEGER NOT NULL,
  tried_at_ms INTEGER,
  next_at_ms INTEGER,
  UNIQUE (webhook, event_seq)
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, state, seq);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at_ms) WHERE state = 'waiting';
