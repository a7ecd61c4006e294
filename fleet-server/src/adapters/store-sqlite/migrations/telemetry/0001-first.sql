CREATE TABLE telemetry (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  journal TEXT NOT NULL,
  start INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  received_at_ms INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX telemetry_by_key ON telemetry (device, journal, start, seq);
CREATE INDEX telemetry_by_device ON telemetry (device, id);
