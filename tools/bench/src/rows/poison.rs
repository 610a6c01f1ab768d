use std::sync::Arc;

use super::ingest::single;
use super::pipeline::Pipeline;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::load::Script;
use crate::world::World;
use crate::{Error, payload};

/// One of this many events dies.
const ONE_OF: u64 = 20;

/// The cost of events that fail at every attempt, for the healthy events.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let compared =
        Compared::measure(async || through(world, true).await, async || through(world, false).await).await?;
    Ok(vec![Figure::compared("poison", "events/s", &compared)])
}

async fn through(world: &World, poisoned: bool) -> Result<f64, Error> {
    let pipeline = Pipeline::start(world).await?;
    let warm = single(&pipeline.ingest);
    pipeline.sustain(world, world.size.warm_up(), warm, |tally| tally.accepted).await?;
    world.settle().await?;
    let with = |event_type, payload: &str| {
        let body = payload::event(event_type, payload);
        pipeline.ingest.post("/events").with(body.as_bytes()).into()
    };
    let mix = Mix {
        healthy: with("bench.event", &payload::plain()),
        poison: poisoned.then(|| with("demo.flaky", &payload::poison())),
        sent: 0,
    };
    let through =
        pipeline.sustain(world, world.size.window(), mix, |tally| tally.script.healthy_sent()).await?;
    pipeline.stop(world).await?;
    Ok(through.per_second)
}

struct Mix {
    healthy: Arc<[u8]>,
    poison: Option<Arc<[u8]>>,
    sent: u64,
}

impl Mix {
    fn healthy_sent(&self) -> u64 {
        let poison = if self.poison.is_some() { self.sent / ONE_OF } else { 0 };
        self.sent - poison
    }
}

impl Script for Mix {
    fn next(&mut self) -> Option<Arc<[u8]>> {
        self.sent += 1;
        match &self.poison {
            Some(poison) if self.sent.is_multiple_of(ONE_OF) => Some(poison.clone()),
            _ => Some(self.healthy.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_twenty_is_poison() {
        let mut mix = Mix { healthy: b"h".as_slice().into(), poison: Some(b"p".as_slice().into()), sent: 0 };
        let sent: Vec<_> = (0..50).filter_map(|_| mix.next()).collect();
        let poison = sent.iter().filter(|request| ***request == *b"p").count();
        assert_eq!((poison, mix.healthy_sent()), (2, 48));
    }
}
