-- What the payloads of a type of event must be, as JSON Schema.

-- What holds now. A type that was removed keeps its row, so that its versions go on where they ended.
CREATE TABLE event_types (
    event_type text        NOT NULL PRIMARY KEY,
    version    integer     NOT NULL,
    mode       text        NOT NULL CHECK (mode IN ('off', 'warn', 'enforce')),
    -- As it was sent: `jsonb` would not keep it.
    schema     json        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);

-- What has ever held.
CREATE TABLE event_type_versions (
    event_type text        NOT NULL,
    version    integer     NOT NULL,
    mode       text        NOT NULL,
    schema     json        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL,
    PRIMARY KEY (event_type, version)
);

CREATE TRIGGER event_type_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_type_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
