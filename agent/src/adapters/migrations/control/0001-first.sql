CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE machines (model TEXT PRIMARY KEY, state TEXT NOT NULL, saved_at INTEGER NOT NULL);

CREATE TABLE floors (model TEXT PRIMARY KEY, floor INTEGER NOT NULL);

-- The one accepted assignment: what the replay check needs, and what the models' machines are steered by.
CREATE TABLE accepted_assignment (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  accepted TEXT NOT NULL,
  desired TEXT NOT NULL,
  document TEXT NOT NULL,
  accepted_at INTEGER NOT NULL
);

-- Roots are kept for ever; of every other role the newest.
CREATE TABLE trust_documents (
  role TEXT NOT NULL,
  version INTEGER NOT NULL,
  document TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  PRIMARY KEY (role, version)
);

-- State and event reports that the server has not taken yet.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  row_key TEXT NOT NULL UNIQUE,
  stream TEXT NOT NULL,
  start INTEGER,
  seq INTEGER,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE INDEX outbox_by_key ON outbox (stream, start, seq);

-- The last sequence number given per stream in this start.
CREATE TABLE sequences (stream TEXT PRIMARY KEY, start INTEGER NOT NULL, last INTEGER NOT NULL);

-- Every report that was ever written, so that nothing lost and nothing doubled can be shown.
CREATE TABLE report_ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  row_key TEXT NOT NULL UNIQUE,
  journal TEXT NOT NULL,
  start INTEGER,
  stream TEXT NOT NULL,
  seq INTEGER,
  sha256 TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  -- NULL while it waits; stored, quarantined, merged, dropped, or gone (a power cut took it before it was sent).
  outcome TEXT,
  settled_at INTEGER
);
CREATE INDEX ledger_by_key ON report_ledger (stream, start, seq);
