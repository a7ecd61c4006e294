CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  -- Ada and ada are one person.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL,
  -- scrypt with its parameters; null until the invitation is used, and for people of the identity provider.
  password TEXT,
  invitation_hash TEXT UNIQUE,
  invitation_expires_at_ms INTEGER,
  -- issuer and subject of the identity provider.
  external_id TEXT UNIQUE,
  created_at_ms INTEGER NOT NULL,
  last_sign_in_at_ms INTEGER
);

-- Only the sha256 of the cookie's value is kept.
CREATE TABLE sessions (
  id_hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL COLLATE NOCASE,
  role TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_name ON sessions (kind, name);
CREATE INDEX sessions_by_use ON sessions (used_at_ms);

-- A token with a person is theirs (`ringfleet login`): it goes when they go, and never allows more than they may.
ALTER TABLE api_tokens ADD COLUMN person TEXT COLLATE NOCASE;
ALTER TABLE api_tokens ADD COLUMN created_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_tokens ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN last_used_at_ms INTEGER;
