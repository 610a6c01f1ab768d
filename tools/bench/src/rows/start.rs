use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use local::stack::Part;

use crate::Error;
use crate::figure::Figure;
use crate::load::at;
use crate::median::median;
use crate::world::{Service, World};

const TIMES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_micros(200);

/// The time from exec to the first 200 of `/health`. The slowest service counts.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let database = world.migrated_database("start").await?;
    let mut medians = Vec::new();
    for part in Part::SERVICES {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let command = Service::command(world, part, &database, &[]).into_std();
            let port = world.port(part);
            times.push(tokio::task::spawn_blocking(move || to_health(command, port)).await??);
        }
        medians.push((part, median(&times).ok_or("nothing was measured")?));
    }
    world.drop_database(&database).await?;
    Ok(vec![slowest("start", "ms", &medians)])
}

/// The size of a service's program without symbols. The largest one counts.
pub(super) fn size() -> Result<Vec<Figure>, Error> {
    let folder = local::process::binaries()?;
    let mut sizes = Vec::new();
    for part in Part::SERVICES {
        sizes.push((part, stripped(&folder.join(part.name()))?));
    }
    Ok(vec![slowest("size", "MB", &sizes)])
}

fn slowest(name: &str, unit: &str, of_each: &[(Part, f64)]) -> Figure {
    let most = of_each.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let told: Vec<_> = of_each.iter().map(|(part, value)| format!("{part} {value:.1}")).collect();
    Figure::alone(name, most, unit).note(told.join(", "))
}

/// Returns milliseconds.
fn to_health(mut command: Command, port: u16) -> Result<f64, Error> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let took = loop {
        if is_well(port) {
            break Ok(start.elapsed().as_secs_f64() * 1_000.0);
        }
        if start.elapsed() > PATIENCE {
            break Err(format!("no 200 of /health after {PATIENCE:?}").into());
        }
        std::thread::sleep(ASK_EVERY);
    };
    child.kill()?;
    child.wait()?;
    took
}

/// The connection is refused until the service listens.
fn is_well(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(at(port))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Returns megabytes.
#[allow(clippy::cast_precision_loss)]
fn stripped(binary: &Path) -> Result<f64, Error> {
    let copy = tempfile::NamedTempFile::new()?;
    let strip = Command::new("strip").arg("-o").arg(copy.path()).arg(binary).status();
    let is_stripped = strip.is_ok_and(|status| status.success());
    // If binutils is not installed, the program is measured with its symbols.
    let measured = if is_stripped { copy.path() } else { binary };
    Ok(std::fs::metadata(measured)?.len() as f64 / 1e6)
}
