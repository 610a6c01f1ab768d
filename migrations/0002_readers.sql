-- Readers of the log: each goes through closed ranges of transaction ids, once.

-- Transaction ids belong to one cluster, so a cursor keeps the identifier of the one that it counts in.
CREATE TABLE cursors (
    name              text        NOT NULL PRIMARY KEY,
    position          xid8        NOT NULL,
    system_identifier bigint      NOT NULL,
    updated_at        timestamptz NOT NULL DEFAULT now()
);

INSERT INTO cursors (name, position, system_identifier)
SELECT name, '0', (SELECT system_identifier FROM pg_control_system()) FROM unnest(ARRAY['totals', 'bigquery']) AS name;

-- Counts of all that lies below the cursor `totals`.
CREATE TABLE event_totals (
    event_type text   NOT NULL PRIMARY KEY,
    count      bigint NOT NULL
);

CREATE TABLE outcome_totals (
    status  event_status NOT NULL PRIMARY KEY,
    count   bigint       NOT NULL,
    -- From ingest or replay to the end, summed.
    seconds double precision NOT NULL
);

-- The load ledger. A row is committed before its job exists, so that whatever dies, the next flush asks about that job.
CREATE TABLE loads (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_xid   xid8        NOT NULL,
    to_xid     xid8        NOT NULL,
    rows       bigint      NOT NULL,
    job_id     text        NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    loaded_at  timestamptz,
    bytes      bigint,
    -- How the latest job of this range ended, where that was not well.
    failure    text
);

CREATE INDEX loads_open ON loads (id) WHERE loaded_at IS NULL;

-- One flusher works at a time.
CREATE TABLE leases (
    name   text        NOT NULL PRIMARY KEY,
    holder uuid        NOT NULL,
    until  timestamptz NOT NULL
);

-- What the demo handler appends in the transaction of its event.
CREATE TABLE demo_ledger (
    event_id uuid   NOT NULL,
    attempt  integer NOT NULL,
    weight   bigint NOT NULL
);
CREATE INDEX demo_ledger_event ON demo_ledger (event_id);
