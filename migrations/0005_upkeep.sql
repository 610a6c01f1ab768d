-- The totals are folded from the log, and a bug in that would never heal. So the log below the cursor is counted again, in chunks of
-- ids over many calls of /maintain, and the two are compared. There is one such count at a time.
CREATE TABLE count_audit (
    one         boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    -- Where the cursor `totals` stood: what lies below never changes.
    bound       xid8        NOT NULL,
    -- What the totals said then, as rows of kind, name, count and seconds.
    folded      jsonb       NOT NULL,
    -- Events below this id are counted.
    position    uuid        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- What that count has found. By week, since a week that retention clears is in the totals for ever, and its rows are gone.
CREATE TABLE counted (
    week    date             NOT NULL,
    kind    text             NOT NULL CHECK (kind IN ('event', 'outcome')),
    name    text             NOT NULL,
    count   bigint           NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (week, kind, name)
);

CREATE TABLE cleared_totals (
    kind    text             NOT NULL CHECK (kind IN ('event', 'outcome')),
    name    text             NOT NULL,
    count   bigint           NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (kind, name)
);
