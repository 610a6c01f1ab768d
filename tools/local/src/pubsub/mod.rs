//! A stand-in for Cloud Pub/Sub that speaks its real gRPC API and delivers by HTTP push.
//!
//! Everything is in memory. A killed stand-in loses its messages, topics and subscriptions, and the relay has to make
//! up for the lost messages. `PUT /control/faults` makes it lose, double, delay, reorder and refuse messages while it
//! runs.

mod backlog;
mod broker;
mod control;
mod counters;
mod dead_letter;
mod envelope;
mod faults;
mod limits;
mod pacing;
mod push;
mod registry;
mod rpc;
mod settings;
mod subscription;
mod token;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1 as proto;
use reqwest::Url;
use tokio::net::TcpListener;

use broker::Broker;
use push::Pusher;

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The port of the gRPC API and of the control API.
    #[arg(long, env = "PUBSUB_PORT", default_value_t = 8085)]
    pub port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The OIDC issuer that signs the tokens of authenticated pushes.
    #[arg(long, default_value = "http://127.0.0.1:8086")]
    pub issuer: Url,
    /// The longest delay that negative acknowledgements impose on a whole push subscription.
    #[arg(long, env = "PUBSUB_MAX_BACKOFF_MS", default_value_t = 5_000)]
    pub max_backoff_ms: u64,
}

pub async fn serve(args: Args) -> Result<(), crate::Error> {
    let listener = TcpListener::bind((args.host, args.port)).await.map_err(|error| {
        format!("Pub/Sub cannot listen on {}:{} (PUBSUB_PORT): {error}", args.host, args.port)
    })?;
    run(listener, &args).await
}

/// Serves on a socket that is already bound, so that a test can use a free port.
pub async fn run(listener: TcpListener, args: &Args) -> Result<(), crate::Error> {
    // The HTTP client needs a TLS provider even for plain HTTP. If one is installed already, it is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pusher = Pusher::new(&args.issuer)?;
    let broker = Arc::new(Broker::new(pusher, Duration::from_millis(args.max_backoff_ms)));
    tracing::info!(address = %listener.local_addr()?, "Pub/Sub stand-in is listening");

    let app = rpc::router(&broker).merge(control::router(broker)).fallback(control::unknown_path);
    // Without TCP_NODELAY every small answer waits for the client's delayed acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
    });
    axum::serve(listener, app).await?;
    Ok(())
}
