-- When this database was put back, and of when the backup was.
CREATE TABLE restores (
  at_ms INTEGER PRIMARY KEY,
  backup_at_ms INTEGER NOT NULL
);
