use std::collections::HashMap;

use super::scenes::Scene;
use crate::Error;

/// Runs without a bug, by scene and seed. Bugs that share a scene share its control.
#[derive(Default)]
pub(super) struct Controls(HashMap<(&'static str, u64), Control>);

pub(super) struct Control {
    pub(super) balances: bool,
    pub(super) told: String,
}

impl Controls {
    pub(super) async fn of(&mut self, scene: &'static Scene, seed: u64) -> Result<&Control, Error> {
        let key = (scene.name, seed);
        if !self.0.contains_key(&key) {
            println!("\ncontrol: {}, seed {seed}", scene.name);
            let report = scene.run(None, seed, "control").await?;
            let balances = report.balances();
            if !balances {
                println!("{report}");
            }
            let differences = report.books.differences.iter();
            let broken: Vec<_> =
                differences.map(|(promise, all)| format!("{promise}, {} times", all.len())).collect();
            let told = if balances { "balances".into() } else { format!("DIFFERS: {}", broken.join("; ")) };
            self.0.insert(key, Control { balances, told });
        }
        self.0.get(&key).ok_or_else(|| "a control is gone".into())
    }
}
