-- Who may send events, and who has changed what.

CREATE TABLE api_keys (
    id           text        NOT NULL PRIMARY KEY,
    name         text        NOT NULL,
    -- SHA-256. The secret itself is kept nowhere.
    secret_hash  bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    -- What a type that it may send begins with; NULL is every type.
    event_types  text[],
    -- Events a second; NULL is the service's own limit.
    rate_limit   integer     CHECK (rate_limit > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text        NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    -- The key that takes its place.
    rotated_to   text        REFERENCES api_keys (id),
    -- No index may name it, or what notes the use of a key is no HOT update.
    last_used_at timestamptz
);

CREATE INDEX api_keys_created ON api_keys (created_at, id);

-- What a change of a key is on record with.
CREATE FUNCTION api_key_settings(key api_keys) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('name', key.name, 'eventTypes', key.event_types, 'rateLimit', key.rate_limit,
                             'expiresAt', key.expires_at)
$$;

CREATE TABLE audit_log (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text        NOT NULL,
    role       text        NOT NULL,
    action     text        NOT NULL,
    -- What was changed, where it is one thing.
    target     text,
    detail     json,
    address    text,
    request_id text
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
