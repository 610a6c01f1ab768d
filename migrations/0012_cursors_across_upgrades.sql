-- A cursor knows the transaction that wrote its row. `pg_upgrade` keeps the rows and goes on with the transaction ids, and gives the
-- cluster a new identifier; where the row's `xmin` is still that transaction, this cluster had counted as far when the row was
-- written, so every later transaction lies above the cursor. A restored or replicated row was written by some other transaction.
ALTER TABLE cursors ADD COLUMN written_by xid8;

-- A trigger, since the code of before moves cursors too. Who changes the identifier alone says what it knows itself.
CREATE FUNCTION note_cursor_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.written_by := pg_current_xact_id();
    RETURN NEW;
END
$$;

CREATE TRIGGER cursors_written BEFORE UPDATE OF position ON cursors
    FOR EACH ROW EXECUTE FUNCTION note_cursor_writer();

-- Those of another cluster stay without.
UPDATE cursors SET position = position WHERE system_identifier = (SELECT system_identifier FROM pg_control_system());

-- What `admin adopt` has read outlives a crash in the middle of it.
ALTER TABLE adoption SET LOGGED;

-- Rows that a dump or a replica brought, as far as their transaction tells: it wrote rows with other ids than its own. So it may
-- happen to have the number of one of them, and that row came with the others all the same.
CREATE OR REPLACE VIEW judged_events AS
SELECT id, xid, in_bigquery, in_ledger, in_bigquery OR in_ledger OR is_reject AS is_loaded
  FROM (SELECT e.id, e.xid,
               EXISTS (SELECT FROM adoption a WHERE a.id = e.id) AS in_bigquery,
               EXISTS (SELECT FROM load_rejects r WHERE r.id = e.id) AS is_reject,
               e.xid < c.position
                   AND (c.system_identifier = (SELECT system_identifier FROM pg_control_system())
                        OR e.xmin IN (SELECT xmin FROM events WHERE xmin <> xid::xid))
                   AND NOT EXISTS (
                       SELECT FROM loads l
                        WHERE l.loaded_at IS NULL AND l.batch IS NULL
                          AND (e.xid, e.id) >= (l.from_xid, l.from_id) AND (e.xid, e.id) < (l.to_xid, l.to_id)) AS in_ledger
          FROM events e, cursors c WHERE c.name = 'bigquery') AS judged;
