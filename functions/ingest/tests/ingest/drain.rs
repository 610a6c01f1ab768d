//! A real process that is told to stop under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use store::testing::database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::process::Process;

const CLIENTS: usize = 40;

/// A client without an answer cannot tell whether its event was stored. So every client whose event was stored must get
/// an answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_answered_and_what_was_answered_is_stored() {
    let database = database().await;
    let mut process = Process::start(&database.url, &[]).await;
    let port = process.port;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|client| tokio::spawn(send_on(port, client, answered.clone())));
    let clients: Vec<_> = clients.collect();
    while answered.load(Ordering::SeqCst) < 20 * CLIENTS {
        sleep(Duration::from_millis(1)).await;
    }
    let pid = Pid::from_child(&process.child);
    kill_process(pid, Signal::TERM).unwrap();
    let answered: BTreeSet<_> = join_all(clients).await.into_iter().flat_map(Result::unwrap).collect();
    let status = tokio::task::spawn_blocking(move || process.child.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
    let names: String = database.value("SELECT string_agg(payload->>'name', ' ') FROM events").await;
    let stored: BTreeSet<_> = names.split(' ').map(str::to_owned).collect();
    let unanswered: Vec<_> = stored.difference(&answered).collect();
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(unanswered.is_empty() && lost.is_empty(), "without an answer: {unanswered:?}; lost: {lost:?}");
}

/// Sends one request after the other until the service accepts no more, and returns the names that were answered with
/// 201.
async fn send_on(port: u16, client: usize, answered: Arc<AtomicUsize>) -> Vec<String> {
    let mut names = Vec::new();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for n in 0.. {
        let name = format!("{client}-{n}");
        let Some(answer) = exchange(&mut stream, &name).await else {
            // A connection may also be closed between two requests while the service is running.
            let Ok(again) = TcpStream::connect(("127.0.0.1", port)).await else { break };
            stream = again;
            continue;
        };
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        answered.fetch_add(1, Ordering::SeqCst);
        names.push(name);
    }
    names
}

/// None if the connection ended before any byte of an answer.
async fn exchange(stream: &mut TcpStream, name: &str) -> Option<String> {
    let body = format!(r#"{{"eventType":"a","payload":{{"name":"{name}"}}}}"#);
    let request = format!(
        "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    loop {
        match stream.read_buf(&mut answer).await {
            Ok(0) | Err(_) if answer.is_empty() => return None,
            Ok(0) | Err(_) => panic!("an answer was cut: {}", String::from_utf8_lossy(&answer)),
            Ok(_) if answer.ends_with(b"}") => return String::from_utf8(answer).ok(),
            Ok(_) => {}
        }
    }
}
