use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::{TcpListener, TcpSocket};

use crate::app::{App, first_end};
use crate::env::{Env, Mistakes, Noted};
use crate::problem::{BoxError, chain};
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::telemetry::FlushAtEnd;
use crate::{hard_end, listen, paused, router, signals};

/// The exit code that tells a wrong environment from a failure at work, which a restart may mend.
const MISTAKES: u8 = 2;

/// Runs a service from its environment to its last answer.
///
/// `start` builds the state without waiting for anything remote, so that the service answers `/health` at once.
/// Anything that it must wait for is a condition of its [`Readiness`](crate::Readiness).
pub async fn run<C, F>(
    name: &'static str,
    read: impl FnOnce(&mut Env) -> Result<C, Noted>,
    start: F,
) -> ExitCode
where
    F: AsyncFnOnce(C, Shutdown) -> Result<App, BoxError>,
{
    let (settings, config) = match configure(Env::process(), read) {
        Ok(configured) => configured,
        Err(mistakes) => {
            eprintln!("{name} cannot start with this environment:\n{mistakes}");
            return ExitCode::from(MISTAKES);
        }
    };
    let _flush = FlushAtEnd;
    match live(name, settings, config, start).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = chain(error.as_ref()), "{name} failed");
            ExitCode::FAILURE
        }
    }
}

fn configure<C>(
    mut env: Env,
    read: impl FnOnce(&mut Env) -> Result<C, Noted>,
) -> Result<(Settings, C), Mistakes> {
    let settings = Settings::read(&mut env);
    let config = read(&mut env);
    env.all_told()?;
    // A `Noted` is proof of a mistake that was just reported, so nothing is left to report.
    settings.and_then(|settings| Ok((settings, config?))).map_err(|_| Mistakes::default())
}

async fn live<C, F>(name: &'static str, settings: Settings, config: C, start: F) -> Result<ExitCode, BoxError>
where
    F: AsyncFnOnce(C, Shutdown) -> Result<App, BoxError>,
{
    settings.telemetry.start()?;
    let shutdown = Shutdown::new();
    signals::listen(shutdown.clone())?;
    let listener = bind(settings.address)?;
    let address = listener.local_addr()?;
    let app = if settings.is_paused {
        tracing::warn!("{name} is paused, and refuses all requests");
        paused::app()
    } else {
        tokio::select! {
            app = start(config, shutdown.clone()) => app?,
            () = shutdown.requested() => return Ok(ExitCode::SUCCESS),
        }
    };
    tracing::info!("{name} listens on {address}");
    let router = router(app.router, &app.readiness);
    let mut server = tokio::spawn(listen::serve(listener, router, settings.limits, shutdown.clone()));
    let failed = tokio::select! {
        biased;
        () = shutdown.requested() => false,
        how = first_end(app.tasks) => {
            tracing::error!("{name} stops, since it cannot go on: {how}");
            true
        }
        _ = &mut server => return Err("the accept loop ended".into()),
    };
    if failed {
        hard_end::arm(failed);
        shutdown.request();
    }
    server.await?;
    app.on_drained.await;
    tracing::info!("{name} stopped");
    Ok(ExitCode::from(u8::from(failed)))
}

/// The most connections that may wait to be accepted, if the kernel allows that many. The first packet of a further
/// connection is lost, and its client tries again after a second.
const BACKLOG: u32 = 4096;

fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    listen_on(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {} is taken: cannot listen on {address}", address.port()).into()
        }
        _ => format!("cannot listen on {address}: {error}").into(),
    })
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Without this option the connections of the previous process hold the port for a minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
