use std::time::Duration;

use rand::Rng;

use super::{Fault, Kind};
use crate::Error;
use crate::proxy::Weather;

impl Fault {
    pub(super) async fn edge(&mut self) -> Result<(), Error> {
        let names: Vec<_> = self.world().edges.iter().map(|edge| edge.name).collect();
        let name = self.pick(&names);
        let (weather, lasts) = match self.kind {
            Kind::RequestLost => (Weather::LoseRequests(0.3), 500..2_500),
            Kind::ResponseLost => (Weather::LoseResponses(0.3), 500..2_500),
            Kind::Delay => {
                (Weather::Slow(Duration::from_millis(self.random.random_range(20..400))), 1_000..4_000)
            }
            Kind::HalfOpen => (Weather::BlackHole, 1_000..6_000),
            _ => (Weather::Reset, 50..500),
        };
        self.on_edge(name, weather, lasts).await
    }

    pub(super) async fn impatient_clients(&mut self) -> Result<(), Error> {
        self.shared.load.set_impatient(true);
        let slow = Weather::Slow(Duration::from_millis(self.random.random_range(50..200)));
        let done = self.on_edge("ingest to PostgreSQL", slow, 2_000..5_000).await;
        self.shared.load.set_impatient(false);
        done
    }

    async fn on_edge(
        &mut self,
        name: &'static str,
        weather: Weather,
        lasts: std::ops::Range<u64>,
    ) -> Result<(), Error> {
        let turn = self.turn(name);
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        self.begun();
        self.world().edge(name)?.set(weather);
        self.last(lasts).await;
        self.world().edge(name)?.set(Weather::Calm);
        Ok(())
    }
}
