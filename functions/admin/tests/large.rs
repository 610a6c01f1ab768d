//! Lists of the largest possible events, from the real program, whose memory is measured: its container has 512 MiB.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;
use store::testing::{Database, database};

/// The number of events of each kind, which is more than a page.
const EVENTS: usize = 250;
const AT_ONCE: usize = 10;
/// The peak memory that the program may have, in KiB. It needs some 50 MiB for itself.
const MOST_MEMORY: usize = 320 * 1024;
/// The most bytes of an answer, below the 32 MiB of Cloud Run.
const MOST_BYTES: usize = 8 * 1024 * 1024;

struct Admin {
    child: Child,
    port: u16,
}

impl Drop for Admin {
    fn drop(&mut self) {
        // Errors are ignored, because the process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Admin {
    fn start(database: &Database) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_admin"))
            .env_clear()
            .env("PORT", port.to_string())
            .env("DATABASE_URL", &database.url)
            .env("GOOGLE_CLOUD_PROJECT", "test")
            .env("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
            .env("ADMIN_AUTH", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let admin = Self { child, port };
        let since = Instant::now();
        while admin.get("/ready").is_none_or(|(status, _)| status != 200) {
            assert!(since.elapsed() < Duration::from_mins(1), "it does not become ready");
            sleep(Duration::from_millis(50));
        }
        admin
    }

    /// Returns the status and the body. HTTP/1.0 has no chunks, and its answer ends with the connection.
    fn get(&self, path: &str) -> Option<(u16, Vec<u8>)> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(socket, "GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let status = str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
        Some((status, answer.split_off(end)))
    }

    #[track_caller]
    fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).unwrap();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Sends many requests at once. A request that finds no room or no connection is told to come back, and is sent
    /// again.
    fn crowd(&self, path: &str) {
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let since = Instant::now();
                    let (mut status, mut body) = self.get(path).unwrap();
                    while status == 503 && since.elapsed() < Duration::from_mins(1) {
                        sleep(Duration::from_secs(1));
                        (status, body) = self.get(path).unwrap();
                    }
                    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
                    assert!(body.len() < MOST_BYTES, "{path}: {} bytes", body.len());
                    assert!(body.ends_with(b"}"), "{path}: it is not whole");
                });
            }
        });
    }

    /// The peak memory of the process so far, in KiB.
    fn peak(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }
}

/// Inserts dead events that BigQuery refused: `large` of a megabyte, and `edge` of the largest size that a list shows
/// whole.
async fn fill(database: &Database) {
    let fill = format!(
        r#"INSERT INTO events (id, event_type, payload, metadata)
           SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n * 2 + at), 15, '0'))::uuid,
                  kind, ('{{"v":"' || repeat('x', payload - 8) || '"}}')::json, ('{{"v":"' || repeat('y', metadata - 8) || '"}}')::json
             FROM generate_series(1, {EVENTS}) AS n,
                  (VALUES ('large', 1048576 - 20000, 20000, 0), ('edge', 16384, 16384, 1)) AS kinds (kind, payload, metadata, at);
           INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, failure_reason)
           SELECT id, 1, 'DEAD_LETTER', 3, now(), repeat('z', 16384) FROM events;
           INSERT INTO load_rejects (id, event_type, payload, metadata, status, retry_count, created_at, updated_at, reason, job_id,
                                     load_id)
           SELECT id, event_type, payload, metadata, 'DEAD_LETTER', 3, now(), now(), repeat('z', 16384), 'job', 1 FROM events"#
    );
    database.sql(&fill).await;
    // Each byte of these bodies takes six in JSON.
    let pushes = "INSERT INTO unreadable (reason, message_id, body)
                  SELECT repeat('z', 16384), repeat('y', 16384), convert_to(repeat(chr(1), 14000000), 'UTF8') FROM generate_series(1, 250)";
    database.sql(pushes).await;
}

#[tokio::test]
async fn lists_of_large_events_stay_small_however_many_ask() {
    let database = database().await;
    fill(&database).await;
    let admin = Admin::start(&database);

    let lists = [
        "/admin/events?limit=200&eventType=large",
        "/admin/events?limit=200&eventType=edge",
        "/admin/events?limit=200&status=DEAD_LETTER",
        "/admin/events/failed?limit=200",
        "/admin/events/failed?limit=200&page=3",
        "/admin/rejects?limit=200",
        "/admin/unreadable?limit=200",
        "/admin/unreadable/7",
    ];
    for path in lists {
        admin.crowd(path);
    }
    let large = &admin.found("/admin/events?limit=200&eventType=large")["events"];
    assert_eq!(large.as_array().unwrap().len(), 200);
    assert_eq!((&large[0]["payloadTruncated"], &large[0]["payloadBytes"]), (&true.into(), &1_028_576.into()));
    assert_eq!((&large[0]["metadataTruncated"], &large[0]["metadataBytes"]), (&true.into(), &20_000.into()));
    let beginning = large[0]["payload"].as_str().unwrap();
    assert!(beginning.starts_with(r#"{"v":"xxx"#) && beginning.len() == 4096, "{beginning}");

    for name in ["events", "rejects"] {
        let path = format!("/admin/{name}/{}", large[0]["id"].as_str().unwrap());
        let whole = admin.found(&path);
        assert_eq!(whole["payload"]["v"].as_str().unwrap().len(), 1_028_576 - 8, "{path}");
        assert_eq!(whole["metadata"]["v"].as_str().unwrap().len(), 20_000 - 8, "{path}");
        assert_eq!(whole.get("payloadTruncated"), None);
        admin.crowd(&path);
    }
    is_walked_through(&admin, "edge");
    is_walked_through(&admin, "large");

    match admin.peak() {
        Some(peak) => assert!(peak < MOST_MEMORY, "{peak} KiB"),
        None => println!("memory is not looked at: there is no /proc"),
    }
}

/// Every event is on one page, whole or not, and a page that ends early names the beginning of the next one.
fn is_walked_through(admin: &Admin, event_type: &str) {
    let first = format!("/admin/events?limit=200&eventType={event_type}");
    let (mut ids, mut path, mut pages) = (BTreeSet::new(), first.clone(), 0);
    loop {
        let page = admin.found(&path);
        for event in page["events"].as_array().unwrap() {
            assert_eq!(event.get("payloadTruncated").is_some(), event_type == "large");
            assert!(ids.insert(event["id"].as_str().unwrap().to_owned()), "twice");
        }
        pages += 1;
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((ids.len(), pages), (EVENTS, if event_type == "edge" { 3 } else { 2 }));
}
