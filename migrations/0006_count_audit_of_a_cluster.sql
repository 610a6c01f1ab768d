-- Who makes the log's readers belong to another cluster gives its rows other transaction ids. A bound of before means nothing then.
CREATE FUNCTION forget_count_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM count_audit;
    RETURN NULL;
END
$$;

CREATE TRIGGER cursors_adopted AFTER UPDATE OF system_identifier ON cursors
    FOR EACH STATEMENT EXECUTE FUNCTION forget_count_audit();
