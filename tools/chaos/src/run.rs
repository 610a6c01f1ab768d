use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use local::stack::Part;
use serde_json::json;
use tokio::time::{Instant, interval};

use crate::Error;
use crate::adversary::Adversary;
use crate::books;
use crate::faults::{Kind, Shared};
use crate::load::{Load, Pace};
use crate::probe::Probes;
use crate::proxy::Weather;
use crate::recovery::Demand;
use crate::report::Report;
use crate::settle::{self, Patience};
use crate::watch::Watch;
use crate::world::{Wish, World};

/// The time in which clients repeat unanswered requests once the faults are over.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// An attack is repeated at most this many times until every needed fault has been dealt.
const MOST_TIMES: usize = 5;

/// The schedule of the faults.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rhythm {
    /// Attacks alternate with calm periods, in which recovery is demanded.
    Waves,
    /// One attack, without a limit on recovery. The attack goes on until every needed fault has been dealt, so that a
    /// slow machine deals them too.
    Once,
}

pub(crate) struct Plan {
    pub(crate) lasts: Duration,
    pub(crate) rhythm: Rhythm,
    /// The weather on these edges during the whole attack.
    pub(crate) weather: Vec<(&'static str, Weather)>,
    /// Pub/Sub takes every message and delivers none, until everything has ended.
    pub(crate) drops_messages: bool,
    /// The time from the last answer until everything has ended and is loaded.
    pub(crate) patience: Patience,
    pub(crate) pace: Pace,
    pub(crate) kinds: Vec<Kind>,
    /// Each of these faults has to be dealt. If there are fault points, a process has to die at one of them.
    pub(crate) needs: &'static [Kind],
    /// The attacked processes are those with a name that begins with this text.
    pub(crate) targets: &'static str,
    pub(crate) wish: Wish,
    /// The folder of the journals, and of the logs if the run fails.
    pub(crate) folder: PathBuf,
}

/// Runs the plan once, from an empty system to its books.
pub(crate) async fn run(plan: &Plan) -> Result<Report, Error> {
    std::fs::create_dir_all(&plan.folder)?;
    let world = Arc::new(World::start(&plan.wish).await?);
    let report = attack(plan, &world).await;
    if !report.as_ref().is_ok_and(Report::balances) {
        let logs = plan.folder.join("logs");
        world.keep_logs(&logs)?;
        println!("the logs of all processes are in {}", logs.display());
    }
    Arc::into_inner(world).ok_or("something still uses the world")?.stop().await?;
    report
}

async fn attack(plan: &Plan, world: &Arc<World>) -> Result<Report, Error> {
    let journal = plan.folder.join("journal");
    let url = format!("{}/events", world.stack.url(Part::Ingest));
    let probe_journal = plan.folder.join("probes");
    let mut probes = Probes::new(&probe_journal)?;
    let demand = match plan.rhythm {
        Rhythm::Waves => Some(Demand::measure(&mut probes, &mut world.database().await?).await?),
        Rhythm::Once => None,
    };
    if let Some(demand) = &demand {
        println!("{demand}");
    }
    let start = Instant::now();
    let load = Arc::new(Load::start(url, &journal, plan.pace)?);
    let watch = Watch::start(world.clone());
    let shared = Arc::new(Shared::new(world.clone(), load.clone(), plan.targets));
    shared.stand_ins.restore(Part::Bigquery).await?;
    if plan.drops_messages {
        shared.stand_ins.set(Part::Pubsub, "drop", Some(json!(1.0))).await?;
    }
    let mut adversary = Adversary::new(plan.pace, plan.kinds.clone(), shared.clone());
    for (edge, weather) in &plan.weather {
        world.edge(edge)?.set(*weather);
    }
    let end = start + plan.lasts;
    let attack = async {
        match demand {
            Some(demand) => adversary.waves(end, demand).await,
            None => once(plan, &mut adversary, &shared, end).await,
        }
    };
    let attacked = tokio::select! {
        attacked = attack => attacked,
        () = progress(&shared, start) => Ok(()),
    };
    for (edge, _) in &plan.weather {
        world.edge(edge)?.set(Weather::Calm);
    }
    let counted = shared.counted();
    drop(shared);
    let recoveries = std::mem::take(&mut adversary.recoveries);
    drop(adversary);
    load.set_impatient(false);
    let answers = Arc::into_inner(load).ok_or("something still uses the load")?.stop(LAST_ANSWERS).await;
    let unsettled = settle::settle(world, &mut probes, &plan.patience).await?;
    let seen = watch.stop().await?;
    let looks = seen.looks;
    let mut books = books::read(world, &[&journal, &probe_journal], seen, &unsettled.stuck).await?;
    for (promise, outcome) in
        [("no recovery in time", attacked), ("a client saw what it never should", answers)]
    {
        if let Err(error) = outcome {
            books.differ(promise, error.to_string());
        }
    }
    if let Some(late) = unsettled.late {
        books.differ("not settled in time", late);
    }
    for death in world.deaths.by_nobody() {
        books.differ("a process died that nobody killed", death);
    }
    enough(plan, &mut books);
    Ok(Report {
        seed: plan.pace.seed,
        lasted: start.elapsed(),
        fault_points: world.deaths.by_fault_point(),
        is_dealt: plan.is_dealt(&counted, &world.deaths.by_fault_point()),
        faults: counted,
        not_tried: [world.clock.as_ref().err(), world.disk.as_ref().err()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        recoveries,
        looks,
        books,
    })
}

async fn once(plan: &Plan, adversary: &mut Adversary, shared: &Shared, end: Instant) -> Result<(), Error> {
    adversary.attack(end).await?;
    for _ in 0..MOST_TIMES {
        if plan.is_dealt(&shared.counted(), &shared.world.deaths.by_fault_point()) {
            break;
        }
        adversary.attack(Instant::now() + plan.lasts).await?;
    }
    Ok(())
}

impl Plan {
    /// Tells whether all needed faults were dealt.
    pub(crate) fn is_dealt(
        &self,
        faults: &BTreeMap<&'static str, usize>,
        deaths: &BTreeMap<String, usize>,
    ) -> bool {
        self.needs.iter().all(|kind| faults.contains_key(kind.name()))
            && (self.wish.fault_points.is_empty() || !deaths.is_empty())
    }
}

/// A run in which few events were accepted proves little.
fn enough(plan: &Plan, books: &mut books::Books) {
    let asked = plan.lasts.as_secs() * u64::from(plan.pace.rate);
    let wanted = usize::try_from(asked / 3).unwrap_or(usize::MAX);
    if books.answered < wanted {
        books.differ("too little was accepted", format!("{} of at least {wanted}", books.answered));
    }
}

/// Prints a line every five seconds.
async fn progress(shared: &Shared, start: Instant) {
    let mut ticks = interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        let faults: usize = shared.counted().values().sum();
        let points: usize = shared.world.deaths.by_fault_point().values().sum();
        println!(
            "{:>4} s  sent {:>6}  answered {:>6}  faults {:>4}  {}",
            start.elapsed().as_secs(),
            shared.load.sent(),
            shared.load.answered(),
            faults + points,
            shared.phase()
        );
    }
}

/// Returns a folder inside cargo's target folder.
pub(crate) fn folder(name: &str) -> Result<PathBuf, Error> {
    let binaries = local::process::binaries()?;
    let target = binaries.parent().unwrap_or(Path::new("."));
    Ok(target.join("chaos").join(name))
}
