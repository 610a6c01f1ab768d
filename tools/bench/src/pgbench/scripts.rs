//! The same writes as those of EventFlow, without anything else: the tables have only their primary keys, the payload
//! is plain text, and each transaction has one statement.

use crate::payload;

pub(crate) const DATABASE: &str = "yardstick";

pub(crate) const TABLES: &str = "
    CREATE TABLE inserted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL);
    CREATE TABLE claimed (
        id bigint PRIMARY KEY, status integer NOT NULL, attempt integer NOT NULL, lease_until timestamptz
    ) WITH (fillfactor = 50);
    CREATE TABLE finished (
        id bigint PRIMARY KEY, attempt integer NOT NULL, status integer NOT NULL,
        finished_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );";

/// Each client has its own counter. The payload is a variable, so that it is sent with each row, as EventFlow does.
pub(super) fn variables() -> [String; 4] {
    ["-D".into(), "n=0".into(), "-D".into(), format!("payload={}", payload::plain())]
}

/// The work of a claim and of a finish, as two transactions. One run of the script is one event.
pub(crate) const PUSHES: &str = "\\set n :n + 1
\\set id :client_id * 1000000 + :n
UPDATE claimed SET status = 1, attempt = attempt + 1, lease_until = now() + interval '1 minute' WHERE id = :id;
WITH done AS (DELETE FROM claimed WHERE id = :id AND attempt = 1 RETURNING id, attempt)
INSERT INTO finished (id, attempt, status) SELECT id, attempt, 2 FROM done;
";

/// The rows for a run of [`PUSHES`].
pub(crate) fn pushes(clients: usize, each: u64) -> String {
    format!(
        "TRUNCATE claimed, finished;
         INSERT INTO claimed (id, status, attempt)
         SELECT client * 1000000 + n, 0, 0
           FROM generate_series(0, {clients} - 1) AS client, generate_series(1, {each}) AS n;"
    )
}

/// A statement that inserts this many rows.
pub(crate) fn insert(rows: usize) -> String {
    format!("INSERT INTO inserted (payload) VALUES {};\n", vec!["(:payload)"; rows].join(", "))
}
