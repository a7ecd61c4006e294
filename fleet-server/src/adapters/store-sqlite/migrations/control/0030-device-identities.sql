-- A token may be bound to one identity (device replace) or ask for a person's approval of every device.
ALTER TABLE enrollment_tokens ADD COLUMN device TEXT;
ALTER TABLE enrollment_tokens ADD COLUMN needs_approval INTEGER NOT NULL DEFAULT 0;

-- Devices that wait for a person. `secret_hash` is the token's: only who showed it may ask again.
CREATE TABLE pending_enrollments (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL,
  key_sha256 TEXT NOT NULL,
  code TEXT NOT NULL,
  labels TEXT NOT NULL,
  capabilities TEXT,
  address TEXT,
  requested_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  approved_by TEXT
);

-- Contacts that were refused, one row per address and code.
CREATE TABLE refused_contacts (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL,
  code TEXT NOT NULL,
  serial TEXT,
  device TEXT,
  first_at_ms INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL,
  count INTEGER NOT NULL
);
CREATE UNIQUE INDEX refused_contacts_by_reason ON refused_contacts (address, code);
CREATE INDEX refused_contacts_by_time ON refused_contacts (last_at_ms);
