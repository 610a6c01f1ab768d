-- What a client has called its requests, so that one sent twice is one event. A row is small and lives for a day, and none that
-- is alive changes. Keys and bodies are SHA-256, so that a row has one size whatever the client sends.
CREATE TABLE idempotency_keys (
    key        bytea       NOT NULL PRIMARY KEY,
    body       bytea       NOT NULL,
    event_id   uuid        NOT NULL,
    -- From then on the key is as unknown, cleared or not.
    expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
