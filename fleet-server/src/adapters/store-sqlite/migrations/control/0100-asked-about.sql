-- The state report (journal/start/seq) that a device was last asked about because it is missing here, and with which generation.
ALTER TABLE devices ADD COLUMN asked_about TEXT;
ALTER TABLE devices ADD COLUMN asked_generation INTEGER NOT NULL DEFAULT 0;
