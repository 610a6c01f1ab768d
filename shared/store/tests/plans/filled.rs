use store::testing::Database;

/// The number of events, over all partitions.
const EVENTS: u32 = 24_000;

/// A database whose tables are so large that reading all of them is never the better way. In its new sessions every
/// plan is reported.
pub(crate) async fn database(is_analyzed: bool) -> Database {
    let database = store::testing::database().await;
    // The planner's statistics must stay as they are set here, however long the test takes.
    database
        .sql(
            "DO $$ DECLARE name regclass; BEGIN
               FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
                   EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', name);
               END LOOP;
             END $$",
        )
        .await;
    // The events are unfinished, dead and PROCESSED, with enough of each that a scan of all of a kind is noticed. The
    // fold and the flush have passed all but the end of the log.
    database
        .sql(&format!(
            "CREATE TEMP TABLE made AS
             SELECT n, (1 + n * 600 / {EVENTS})::text::xid8 AS xid, at,
                    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid
                    AS id
               FROM generate_series(0, {EVENTS} - 1) AS n,
                    LATERAL (SELECT date_trunc('week', now()) + (n::float8 / {EVENTS} * 42 - 7) * interval '1 day') AS t (at);
             INSERT INTO events (id, event_type, payload, created_at, xid)
             SELECT id, 'type-' || n % 20, '{{\"a\": \"of some length, as payloads are, so that a page holds few of them\"}}', at, xid
               FROM made;
             INSERT INTO live (id, status, attempt, due_at, lease_until, retry_at, failed_at)
             SELECT id, status::event_status, 1, now() + CASE WHEN n % 400 = 0 THEN interval '-1 s' ELSE interval '1 h' END,
                    CASE WHEN status = 'PROCESSING' THEN now() + interval '1 h' END,
                    CASE WHEN status = 'FAILED' THEN now() END, CASE WHEN status = 'FAILED' THEN now() END
               FROM made, LATERAL (SELECT (ARRAY['PENDING', 'PROCESSING', 'FAILED', 'PENDING'])[1 + n / 4 % 4]) AS t (status)
              WHERE n % 4 = 0;
             INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at, finished_at, xid)
             SELECT id, 1, CASE WHEN n % 4 = 1 THEN 'DEAD_LETTER' ELSE 'PROCESSED' END::event_status, 0, at, at, at, xid
               FROM made WHERE n % 4 > 0;
             INSERT INTO attempts (id, attempt, ended, reason, message_id)
             SELECT id, 1, 'FAILED', 'because', n::text FROM made WHERE n % 4 < 2;
             INSERT INTO replays (id, attempt, from_status, requested_by, xid)
             SELECT id, 0, 'DEAD_LETTER', 'somebody', xid FROM made WHERE n % 4 = 1;
             INSERT INTO replays (id, attempt, from_status, requested_by, created_at, xid)
             SELECT gen_random_uuid(), 1, 'FAILED', 'somebody', now() - interval '1 year', '1' FROM generate_series(1, 100);
             INSERT INTO idempotency_keys (key, body, event_id, expires_at)
             SELECT sha256(id::text::bytea), '', id, now() + CASE WHEN n % 200 = 0 THEN interval '-1 day' ELSE interval '1 day' END
               FROM made;
             INSERT INTO load_rejects (id, event_type, payload, status, retry_count, created_at, updated_at, reason, job_id, load_id,
                                       reloaded_at, requested_at)
             SELECT id, 'a', '{{\"a\": \"of some length, as payloads are, so that a page holds few of them\"}}', 'PROCESSED', 0,
                    at, at, 'no', 'job', 1, CASE WHEN n % 400 > 8 THEN now() END, CASE WHEN n % 400 = 8 THEN now() END
               FROM made WHERE n % 4 = 0;
             INSERT INTO unreadable (received_at, reason, body)
             SELECT now() - CASE WHEN n < 100 THEN interval '1 year' ELSE n * interval '1 minute' END, 'no event', ''
               FROM made WHERE n % 4 = 0 OR n < 100;
             INSERT INTO audit_log (actor, role, action) SELECT 'somebody', 'owner', 'event.replay' FROM made;
             INSERT INTO loads (from_xid, to_xid, rows, job_id, created_at, loaded_at, rejected)
             SELECT '1', '1', 0, 'job-' || n, now() - n * interval '1 minute', now(), CASE WHEN n % 400 = 0 THEN 1 ELSE 0 END
               FROM made WHERE n % 4 = 0;
             INSERT INTO load_jobs (job_id, load_id, made_at, ended_at)
             SELECT 'job-' || n, n, t.at, t.at
               FROM made, LATERAL (SELECT now() - n * interval '1 hour') AS t (at) WHERE n % 4 = 0;
             INSERT INTO event_type_versions (event_type, version, mode, schema, created_by)
             SELECT 'type-' || n % 1000, 1000 + n, 'warn', '{{}}', 'somebody' FROM made WHERE n < 10000;
             UPDATE cursors SET position = '500';"
        ))
        .await;
    if is_analyzed {
        database.sql("VACUUM ANALYZE").await;
    }
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        // The statements inside of a function are reported too.
        ("auto_explain.log_nested_statements", "on"),
        ("client_min_messages", "log"),
        // The plans are for this test, and not for the server's log.
        ("log_min_messages", "fatal"),
        // A sequential scan costs as much as that of a table that is a hundred times as large.
        ("seq_page_cost", "100"),
    ];
    for (name, value) in settings {
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {name} = {value}', current_database()); END $$"
        );
        database.sql(&set).await;
    }
    database
}
