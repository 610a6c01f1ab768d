//! A TCP proxy for each edge between two processes, with its weather.

mod connection;
mod weather;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use weather::Weather;

use crate::Error;

/// A listening port with servers behind it. The servers take turns, as behind a load balancer.
pub(crate) struct Edge {
    pub(crate) name: &'static str,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Edge {
    pub(crate) async fn open(name: &'static str, port: u16, servers: Vec<u16>) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| format!("the proxy {name} cannot listen on port {port}: {error}"))?;
        let (weather, seen) = watch::channel(Weather::Calm);
        let task = tokio::spawn(accept(listener, Arc::new(Servers::new(servers)), seen));
        Ok(Self { name, weather, task })
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, servers: Arc<Servers>, weather: watch::Receiver<Weather>) {
    loop {
        // The process may be out of file descriptors for a moment, so the proxy tries again.
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(connection::carry(client, servers.clone(), weather.clone()));
    }
}

struct Servers {
    ports: Vec<u16>,
    next: AtomicUsize,
}

impl Servers {
    fn new(ports: Vec<u16>) -> Self {
        Self { ports, next: AtomicUsize::new(0) }
    }

    /// Connects to the next server that listens.
    async fn connect(&self) -> Option<TcpStream> {
        for _ in &self.ports {
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.ports.len();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[turn]));
            if let Ok(server) = TcpStream::connect(address).await {
                return Some(server);
            }
        }
        None
    }
}
