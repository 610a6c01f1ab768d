use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;
use uuid::Uuid;

use super::ingest::single;
use super::pipeline::Pipeline;
use crate::Error;
use crate::figure::Figure;
use crate::load::{Latencies, Open, Same, Script, at};
use crate::median::median;
use crate::size::Size;
use crate::world::{Database, World};

const CONNECTIONS: usize = 64;
const PATIENCE: Duration = Duration::from_mins(4);

/// The time from the answer to PROCESSED, at half of the rate that the pipeline sustains.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let mut rounds = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..Size::ROUNDS {
        let pipeline = Pipeline::start(world).await?;
        let script = single(&pipeline.ingest);
        let most =
            pipeline.sustain(world, world.size.window() / 2, script.clone(), |tally| tally.accepted).await?;
        let rate = most.per_second / 2.0;
        world.settle().await?;
        let open = Open {
            address: at(pipeline.ingest.service.port),
            connections: CONNECTIONS,
            rate,
            lasts: world.size.window(),
        };
        let noted = open.run(Noting { request: script, answers: HashMap::new() }).await?.script.answers;
        rounds.push(lags(&pipeline.database, noted).await?);
        rates.push(rate);
        pipeline.stop(world).await?;
    }
    let rate = median(&rates).ok_or("nothing was measured")?;
    let mut figures = Vec::new();
    for (name, percentile) in [("processed-lag-p50", 50.0), ("processed-lag-p99", 99.0)] {
        let samples: Vec<_> = rounds.iter().map(|lags| lags.percentile(percentile)).collect();
        let lag = median(&samples).ok_or("nothing was measured")?;
        figures.push(Figure::alone(name, lag, "ms").note(format!("at {rate:.0} a second")));
    }
    Ok(figures)
}

/// The database and the driver run on one machine, so they share a clock. An event that is processed before its
/// answer arrives has no lag.
async fn lags(database: &Database, mut answers: HashMap<Uuid, u64>) -> Result<Latencies, Error> {
    let start = Instant::now();
    while database.value::<bool>("SELECT EXISTS (SELECT FROM live)").await? {
        if start.elapsed() > PATIENCE {
            return Err(format!("events are not PROCESSED after {PATIENCE:?}").into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    let mut connection = database.connect().await?;
    let ends: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT id, (extract(epoch FROM finished_at) * 1000000)::bigint FROM outcomes WHERE status = 'PROCESSED'",
    )
    .fetch_all(&mut connection)
    .await?;
    let mut lags = Latencies::new()?;
    for (id, end) in ends {
        if let Some(answer) = answers.remove(&id) {
            lags.add_micros(end.cast_unsigned().saturating_sub(answer));
        }
    }
    if answers.is_empty() {
        Ok(lags)
    } else {
        Err(format!("{} events ended otherwise", answers.len()).into())
    }
}

/// A script that notes the time of each answer.
struct Noting {
    request: Same,
    answers: HashMap<Uuid, u64>,
}

impl Script for Noting {
    fn next(&mut self) -> Option<Arc<[u8]>> {
        self.request.next()
    }

    fn answered(&mut self, body: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // An answer without an id is found when all events are counted.
        let id = event_id(body).unwrap_or_default();
        self.answers.insert(id, u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
    }
}

fn event_id(body: &[u8]) -> Option<Uuid> {
    const NAME: &[u8] = b"\"eventId\":\"";
    let at = body.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    Uuid::try_parse_ascii(body.get(at..at + 36)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_an_answer() {
        let body = br#"{"success":true,"eventId":"019ab7c8-3f3e-7c50-9a52-0a6a8a0c8a11","message":"x"}"#;
        assert_eq!(event_id(body), Uuid::try_parse("019ab7c8-3f3e-7c50-9a52-0a6a8a0c8a11").ok());
        assert_eq!(event_id(b"{\"eventId\":\"019a"), None);
    }
}
