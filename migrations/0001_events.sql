-- What grows never changes, what changes stays small.

CREATE TYPE event_status AS ENUM ('PENDING', 'PROCESSING', 'PROCESSED', 'FAILED', 'DEAD_LETTER');

-- The fact. Append only; `json` and not `jsonb`, since it keeps numbers, key order and text as they came.
-- Partitions are a week of ids (a UUIDv7 begins with its time); `admin migrate` and /maintain make them ahead.
CREATE TABLE events (
    id         uuid        NOT NULL PRIMARY KEY,
    event_type text        NOT NULL,
    payload    json        NOT NULL,
    metadata   json,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Who reads the log reads closed ranges of transactions; ids and times of concurrent writers do not commit in order.
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id()
) PARTITION BY RANGE (id);

CREATE INDEX events_xid ON events (xid);
CREATE INDEX events_type ON events (event_type, id);

-- The unfinished events alone: one row from ingest to the end, updated in place, deleted by the finish.
CREATE TABLE live (
    id             uuid         NOT NULL PRIMARY KEY,
    status         event_status NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'PROCESSING', 'FAILED')),
    retry_count    integer      NOT NULL DEFAULT 0,
    -- The number of the latest attempt, over the event's whole life. It never falls, and only its holder may finish.
    attempt        integer      NOT NULL DEFAULT 0,
    lost           integer      NOT NULL DEFAULT 0,
    -- By when something should have happened to the event; the relay comes then.
    due_at         timestamptz  NOT NULL,
    retry_at       timestamptz,
    lease_until    timestamptz,
    -- Ingest or the latest replay.
    queued_at      timestamptz  NOT NULL DEFAULT now(),
    started_at     timestamptz,
    instance       text,
    message_id     text,
    failed_at      timestamptz,
    failure_reason text,
    updated_at     timestamptz  NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- A claim changes no column that an index here names, so its update is HOT.
CREATE INDEX live_due ON live (due_at);
CREATE INDEX live_failed ON live (id) WHERE failed_at IS NOT NULL;

-- How it ended. A second one comes only after a replay.
CREATE TABLE outcomes (
    id             uuid         NOT NULL,
    attempt        integer      NOT NULL,
    status         event_status NOT NULL CHECK (status IN ('PROCESSED', 'DEAD_LETTER')),
    retry_count    integer      NOT NULL,
    queued_at      timestamptz  NOT NULL,
    started_at     timestamptz,
    finished_at    timestamptz  NOT NULL DEFAULT clock_timestamp(),
    failure_reason text,
    xid            xid8         NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (id, attempt)
) PARTITION BY RANGE (id);

CREATE INDEX outcomes_xid ON outcomes (xid);
CREATE INDEX outcomes_dead ON outcomes (id) WHERE status = 'DEAD_LETTER';

-- Attempts that failed or were lost; the one that succeeded is in `outcomes`.
CREATE TABLE attempts (
    id         uuid        NOT NULL,
    attempt    integer     NOT NULL,
    ended      text        NOT NULL,
    reason     text        NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    instance   text,
    message_id text,
    PRIMARY KEY (id, attempt)
) PARTITION BY RANGE (id);

-- A replay takes the place of the end that it found. The key lets each end be replayed once, whoever asks at the same time.
CREATE TABLE replays (
    id          uuid         NOT NULL,
    attempt     integer      NOT NULL,
    from_status event_status NOT NULL,
    requested_by text        NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    xid         xid8         NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (id, attempt)
);

CREATE INDEX replays_xid ON replays (xid);

-- Pushes that were no event of ours, kept with their reason: a nack would only bring them back.
CREATE TABLE unreadable (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at  timestamptz NOT NULL DEFAULT now(),
    subscription text,
    message_id   text,
    reason       text        NOT NULL,
    body         bytea       NOT NULL
);

-- An event as people ask for it: the fact, and its state from `live`, else from its latest outcome.
CREATE VIEW event_records AS
SELECT e.id, e.event_type, e.payload, e.metadata, e.created_at, e.xid,
       coalesce(l.status, o.status) AS status,
       coalesce(l.retry_count, o.retry_count) AS retry_count,
       CASE WHEN o.status = 'PROCESSED' THEN o.finished_at END AS processed_at,
       CASE WHEN o.status = 'DEAD_LETTER' THEN o.finished_at ELSE l.failed_at END AS failed_at,
       CASE WHEN l.id IS NULL THEN o.failure_reason ELSE l.failure_reason END AS failure_reason,
       coalesce(l.updated_at, o.finished_at) AS updated_at
  FROM events e
  LEFT JOIN live l ON l.id = e.id
  LEFT JOIN LATERAL (
       SELECT * FROM outcomes o WHERE o.id = e.id AND l.id IS NULL ORDER BY o.attempt DESC LIMIT 1
  ) o ON true;
