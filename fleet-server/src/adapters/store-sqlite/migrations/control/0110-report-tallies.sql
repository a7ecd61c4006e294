-- What was wrong with a device's reports, by code: counted once for each report, also of what is not kept itself.
CREATE TABLE report_tallies (
  device TEXT NOT NULL,
  code TEXT NOT NULL,
  count INTEGER NOT NULL,
  first_at_ms INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL,
  -- Of the newest.
  reason TEXT NOT NULL,
  PRIMARY KEY (device, code)
) WITHOUT ROWID;

CREATE INDEX quarantined_reports_by_device ON quarantined_reports (device, id);
