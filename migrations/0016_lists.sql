-- Admin's lists of loads and of unreadable messages go by time, newest first, each by an index that has their order.

-- How a load stands. In one place, since the index and what asks by it must say the same.
CREATE FUNCTION load_status(loaded_at timestamptz, rejected bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN loaded_at IS NULL THEN 'OPEN' WHEN rejected > 0 THEN 'REJECTED' ELSE 'LOADED' END
$$;

CREATE INDEX loads_created ON loads (created_at, id);
CREATE INDEX loads_status ON loads (load_status(loaded_at, rejected), created_at, id);
CREATE INDEX load_jobs_of ON load_jobs (load_id, made_at);

-- It takes the place of the one without the id, also for what clears old ones.
CREATE INDEX unreadable_page ON unreadable (received_at, id);
DROP INDEX unreadable_received;
