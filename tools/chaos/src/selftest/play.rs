use std::path::Path;
use std::time::Duration;

use super::scenes::Scene;
use crate::Error;
use crate::faults::Kind;
use crate::load::Pace;
use crate::report::Report;
use crate::run::{self, Plan, Rhythm};
use crate::settle::Patience;
use crate::world::{Wish, WrongClock};

/// The time from the last answer until everything has ended, which is long enough for a slow machine.
const SETTLES: Duration = Duration::from_mins(4);

impl Scene {
    /// Runs the scene with the services in the given folder, or with those beside this program.
    pub(super) async fn run(
        &'static self,
        services: Option<&Path>,
        seed: u64,
        name: &str,
    ) -> Result<Report, Error> {
        let second = match self.second_clock {
            Some(offset) => WrongClock::find()?.environment(offset),
            None => Vec::new(),
        };
        let set: Vec<_> = self.set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let plan = Plan {
            lasts: self.lasts,
            rhythm: Rhythm::Once,
            weather: self.weather.to_vec(),
            drops_messages: self.drops_messages,
            patience: Patience::of(&set, SETTLES, self.most_attempts)?,
            pace: Pace { seed, ..self.pace },
            kinds: self.faults.to_vec(),
            needs: self.needs,
            targets: self.targets,
            wish: Wish {
                services: services.map(Path::to_owned),
                set,
                fault_points: self.fault_points.into(),
                second,
            },
            folder: run::folder(&format!("selftest-{name}"))?,
        };
        let report = run::run(&plan).await?;
        match self.lacks(&report) {
            Some(why) => Err(why.into()),
            None => Ok(report),
        }
    }

    /// Returns the reason if this machine cannot play the scene.
    fn lacks(&self, report: &Report) -> Option<String> {
        let needs = self.faults.iter().any(|kind| matches!(kind, Kind::DiskFull | Kind::WrongClock));
        needs.then(|| report.not_tried.first().cloned()).flatten()
    }
}
