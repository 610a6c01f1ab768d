-- How a load job ended decides what follows: a range backs off, or is split around the row that does not fit, which goes to
-- the rejects. Everything here is beside what was there.

ALTER TABLE loads
    -- A range runs from (from_xid, from_id) to below (to_xid, to_id), so that it can be split inside one transaction.
    ADD COLUMN from_id  uuid    NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN to_id    uuid    NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    -- How often it was split to become this; a part is not 0.
    ADD COLUMN depth    integer NOT NULL DEFAULT 0,
    -- Its rows are rejects that are loaded again, and not events.
    ADD COLUMN batch    bigint,
    -- So many of its rows went to the rejects in the end.
    ADD COLUMN rejected bigint  NOT NULL DEFAULT 0,
    -- The job was seen to end in error, so it can load nothing any more.
    ADD COLUMN job_over boolean NOT NULL DEFAULT false,
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN reason   text,
    -- Nobody tries before.
    ADD COLUMN retry_at timestamptz;

-- Every job that was begun. BigQuery counts them by the day, failed ones too, and one that it has and this lacks is not ours.
CREATE TABLE load_jobs (
    job_id   text        NOT NULL PRIMARY KEY,
    load_id  bigint,
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    -- NULL where it ended well.
    reason   text,
    message  text
);

CREATE INDEX load_jobs_made ON load_jobs (made_at);

INSERT INTO load_jobs (job_id, load_id, made_at, ended_at) SELECT job_id, id, created_at, loaded_at FROM loads;

-- Events that BigQuery does not take, as they stood at that load. They carry all of it, so no partition is kept for them.
CREATE TABLE load_rejects (
    id             uuid        NOT NULL PRIMARY KEY,
    event_type     text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json,
    status         text        NOT NULL,
    retry_count    integer     NOT NULL,
    processed_at   timestamptz,
    failed_at      timestamptz,
    failure_reason text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    -- What BigQuery said, and to which job.
    reason         text        NOT NULL,
    job_id         text        NOT NULL,
    load_id        bigint      NOT NULL,
    rejected_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Somebody asked for another load.
    requested_at   timestamptz,
    -- The load that takes it again, while that is open.
    batch          bigint,
    reloaded_at    timestamptz
);

CREATE INDEX load_rejects_batch ON load_rejects (batch) WHERE batch IS NOT NULL;
CREATE INDEX load_rejects_requested ON load_rejects (id) WHERE requested_at IS NOT NULL AND batch IS NULL;

CREATE SEQUENCE load_batches;

-- A flusher from before this migration would load the whole range of a part. It finds its lease taken, for good; ours has
-- another name.
INSERT INTO leases (name, holder, until) VALUES ('flush', '00000000-0000-0000-0000-000000000000', 'infinity')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until;

-- What `admin adopt` has read out of BigQuery: the ids that are there. It can be read again, so a crash may empty it.
CREATE UNLOGGED TABLE adoption (
    id uuid NOT NULL PRIMARY KEY
);

-- What is loaded of each event, as an adoption judges it. The ledger speaks of the rows that came with it: in another cluster
-- these are not the ones whose transaction id is the one that wrote them.
CREATE VIEW judged_events AS
SELECT id, xid, in_bigquery, in_ledger, in_bigquery OR in_ledger OR is_reject AS is_loaded
  FROM (SELECT e.id, e.xid,
               EXISTS (SELECT FROM adoption a WHERE a.id = e.id) AS in_bigquery,
               EXISTS (SELECT FROM load_rejects r WHERE r.id = e.id) AS is_reject,
               e.xid < c.position
                   AND (c.system_identifier = (SELECT system_identifier FROM pg_control_system()) OR e.xmin <> e.xid::xid)
                   AND NOT EXISTS (
                       SELECT FROM loads l
                        WHERE l.loaded_at IS NULL AND l.batch IS NULL
                          AND (e.xid, e.id) >= (l.from_xid, l.from_id) AND (e.xid, e.id) < (l.to_xid, l.to_id)) AS in_ledger
          FROM events e, cursors c WHERE c.name = 'bigquery') AS judged;
