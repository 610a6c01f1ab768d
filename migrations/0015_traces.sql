-- Which trace an event belongs to, so that whatever brings it to its end later goes on with the trace of its request. Null where the
-- release before stored the event.
--
-- The trace ID stands in the fact, which is written once, and not in `live`, whose rows are rewritten at each step. Of a million events
-- with payloads of 400 bytes it took 16 bytes of WAL each, and nothing on disk, since as many of them fit a page as before. An ID that is
-- derived from the event's would take nothing at all, but a trace that the client is in has to go on, Cloud Run's front end puts every
-- request into one, and the events of a batch share theirs. The span and the flags are not kept: nobody records the spans of these
-- services.
--
-- The lock waits for everybody who reads or writes the log, and all who come later wait behind it: two seconds at most, and once more
-- after a pause in which they go on.
DO $$ BEGIN
    SET LOCAL lock_timeout = '2s';
    FOR attempt IN 1..60 LOOP
        BEGIN
            ALTER TABLE events ADD COLUMN trace_id uuid;
            RETURN;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'the table events was in use for two minutes: run the migrations again';
END $$;
