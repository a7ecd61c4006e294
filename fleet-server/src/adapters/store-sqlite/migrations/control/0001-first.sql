CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  labels TEXT NOT NULL,
  capabilities TEXT,
  status TEXT NOT NULL,
  is_connected INTEGER NOT NULL,
  enrolled_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER,
  accepted_generation INTEGER NOT NULL,
  -- From the newest hello: which process speaks for this identity.
  journal TEXT,
  start INTEGER,
  instance TEXT,
  oldest TEXT,
  -- The last instance that was refused as a clone, so that each one is reported once.
  refused_instance TEXT
);

CREATE TABLE certificates (
  serial TEXT PRIMARY KEY,
  device TEXT NOT NULL REFERENCES devices (id),
  not_after_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
);
CREATE INDEX certificates_by_device ON certificates (device);

-- What is known of each model on each device; `known` is the JSON of device-model.ts.
CREATE TABLE device_models (
  device TEXT NOT NULL REFERENCES devices (id),
  model TEXT NOT NULL,
  known TEXT NOT NULL,
  PRIMARY KEY (device, model)
);

-- Streams `state` and `event`; `tele` rows are in telemetry.db (see reports.ts).
CREATE TABLE reports (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  journal TEXT NOT NULL,
  start INTEGER NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  received_at_ms INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX reports_by_key ON reports (device, journal, start, stream, seq);

-- Per sequence: everything in base..stored_up_to is settled (stored or quarantined).
CREATE TABLE report_heads (
  device TEXT NOT NULL,
  journal TEXT NOT NULL,
  start INTEGER NOT NULL,
  stream TEXT NOT NULL,
  base INTEGER NOT NULL,
  stored_up_to INTEGER NOT NULL,
  PRIMARY KEY (device, journal, start, stream)
);

-- Settled sequence numbers outside of base..stored_up_to.
CREATE TABLE report_islands (
  device TEXT NOT NULL,
  journal TEXT NOT NULL,
  start INTEGER NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (device, journal, start, stream, seq)
);

CREATE TABLE quarantined_reports (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  journal TEXT NOT NULL,
  start INTEGER NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX quarantined_reports_by_key
  ON quarantined_reports (device, journal, start, stream, seq, sha256);

CREATE TABLE rings (
  name TEXT PRIMARY KEY,
  ordinal INTEGER NOT NULL,
  selector TEXT,
  devices TEXT NOT NULL,
  share_basis_points INTEGER,
  revision INTEGER NOT NULL
);

CREATE TABLE ring_assignments (
  ring TEXT NOT NULL REFERENCES rings (name),
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  rollout TEXT,
  soak TEXT,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (ring, model)
);

CREATE TABLE releases (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  variants TEXT NOT NULL,
  description TEXT NOT NULL,
  published_at_ms INTEGER NOT NULL,
  published_by TEXT NOT NULL,
  yanked_at_ms INTEGER,
  manifest BLOB NOT NULL
);
CREATE UNIQUE INDEX releases_by_name ON releases (model, version);

CREATE TABLE rollouts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX rollouts_by_model ON rollouts (model, state);

CREATE TABLE assignments (
  device TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  tuf_version INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  document TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL
);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  code TEXT NOT NULL,
  sentence TEXT NOT NULL,
  device TEXT,
  model TEXT,
  rollout TEXT,
  data TEXT NOT NULL
);
CREATE INDEX events_by_device ON events (device, seq);
CREATE INDEX events_by_rollout ON events (rollout, seq);

-- hash = sha256(previous hash + content): a row cannot be changed or taken out unnoticed.
CREATE TABLE audit_entries (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  by_kind TEXT NOT NULL,
  by_name TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash BLOB NOT NULL
);

CREATE TABLE enrollment_tokens (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,
  labels TEXT NOT NULL,
  uses_left INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
);

CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  expires_at_ms INTEGER
);

CREATE TABLE trust_documents (
  role TEXT NOT NULL,
  version INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (role, version)
);
