use std::collections::HashMap;

use super::scenes::Scene;
use crate::Error;
use crate::report::Report;

/// The results of runs without a bug, by scene and seed. Bugs that share a scene share its control.
#[derive(Default)]
pub(super) struct Controls(HashMap<(&'static str, u64), Control>);

#[derive(Clone)]
pub(super) struct Control {
    pub(super) balances: bool,
    pub(super) told: String,
}

impl Controls {
    pub(super) async fn of(&mut self, scene: &'static Scene, seed: u64) -> Result<Control, Error> {
        let key = (scene.name, seed);
        if let Some(control) = self.0.get(&key) {
            return Ok(control.clone());
        }
        println!("\ncontrol: {}, seed {seed}", scene.name);
        let report = scene.run(None, seed, "control").await?;
        let control = Control::of(&report);
        if !control.balances {
            println!("{report}");
        }
        self.0.insert(key, control.clone());
        Ok(control)
    }
}

impl Control {
    /// A run in which the needed fault was never dealt shows nothing.
    fn of(report: &Report) -> Self {
        if !report.is_dealt {
            return Self { balances: false, told: "THE FAULT WAS NEVER DEALT".into() };
        }
        if report.balances() {
            return Self { balances: true, told: "balances".into() };
        }
        let differences = report.books.differences.iter();
        let broken: Vec<_> =
            differences.map(|(promise, all)| format!("{promise}, {} times", all.len())).collect();
        Self { balances: false, told: format!("DIFFERS: {}", broken.join("; ")) }
    }
}
