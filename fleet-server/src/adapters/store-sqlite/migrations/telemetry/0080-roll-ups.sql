-- Rows of one UTC day lie in tables of their own (raw_20261124 and so on), made when the day's first row comes.
CREATE TABLE device_days (
  device TEXT NOT NULL,
  model TEXT NOT NULL,
  digest TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  version TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX device_days_by_key ON device_days (device, model, digest, start_ms);
CREATE INDEX device_days_by_start ON device_days (start_ms);

CREATE TABLE group_days (
  model TEXT NOT NULL,
  digest TEXT NOT NULL,
  ring TEXT NOT NULL,
  site TEXT NOT NULL,
  hardware TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  version TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX group_days_by_key ON group_days (model, start_ms, digest, ring, site, hardware);
CREATE INDEX group_days_by_start ON group_days (start_ms);

-- What a device's counts are added to from now on; what was counted before stays where it was counted.
CREATE TABLE device_groups (
  device TEXT PRIMARY KEY,
  ring TEXT NOT NULL,
  site TEXT NOT NULL,
  hardware TEXT NOT NULL
) WITHOUT ROWID;
