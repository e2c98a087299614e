-- The token by which a deployment that waits was asked for; 0: none.
ALTER TABLE waiting ADD COLUMN token BIGINT NOT NULL DEFAULT 0;
