-- What an operator asks of devices besides the release, as JSON; null: nothing.
ALTER TABLE ring_assignments ADD COLUMN terms TEXT;
-- {reason, by, sinceMs}: nothing new starts or goes live on the device.
ALTER TABLE devices ADD COLUMN hold TEXT;
