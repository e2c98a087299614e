-- A bare repository is reached by its path on its own machine, and by an address from elsewhere.
ALTER TABLE registrations ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE registrations ADD COLUMN reason TEXT NOT NULL DEFAULT '';
