-- Idempotency keys belong to whoever brings them, and a client keeps its own when its API key is rotated: so each key of a line of
-- rotations names the first one. NULL is a key that was made in no other's place.
ALTER TABLE api_keys ADD COLUMN lineage text;

WITH RECURSIVE line AS (
    SELECT rotated_to AS id, id AS lineage FROM api_keys former
     WHERE rotated_to IS NOT NULL AND NOT EXISTS (SELECT FROM api_keys k WHERE k.rotated_to = former.id)
    UNION ALL
    SELECT k.rotated_to, line.lineage FROM line JOIN api_keys k ON k.id = line.id WHERE k.rotated_to IS NOT NULL
)
UPDATE api_keys k SET lineage = line.lineage FROM line WHERE k.id = line.id;

-- A trigger, so that a rotation by the release before keeps the line too.
CREATE FUNCTION keep_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_keys SET lineage = coalesce(NEW.lineage, NEW.id) WHERE id = NEW.rotated_to;
    RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_lineage AFTER UPDATE OF rotated_to ON api_keys
    FOR EACH ROW WHEN (NEW.rotated_to IS NOT NULL) EXECUTE FUNCTION keep_lineage();
