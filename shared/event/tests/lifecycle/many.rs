//! Several events that share a relay and time. The random steps go further than a walk can: there are more copies, more
//! workers and more replays.

use event::AttemptEnd;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestCaseResult, TestError, TestRunner};
use uuid::Uuid;

use crate::mistakes::Mistake;
use crate::product::Product;
use crate::promises::Broken;
use crate::step::{Copied, Step};
use crate::world::{Bounds, World};

const EVENTS: usize = 4;
const STEPS: usize = 200;
const BOUNDS: Bounds = Bounds { copies: 4, workers: 3, replays: 3 };
/// The number of events that one call of the relay takes.
const PAGE: usize = 2;
/// More rounds than every event needs to end when nothing goes wrong.
const CALM_ROUNDS: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A step of one event.
    One(usize, Step),
    /// A step of time for all events.
    Tick,
    RelayPage,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Time must pass for all events or for none, so `Tick` is no step of one event.
    let any = Step::all(BOUNDS.workers).into_iter().filter(|step| *step != Step::Tick).collect::<Vec<_>>();
    let delivery = Just(Step::Deliver(Copied::Again));
    let failure =
        (0..BOUNDS.workers).prop_map(|worker| Step::Fail(worker, AttemptEnd::Failed, Copied::Again));
    let step = prop_oneof![4 => select(any), 3 => delivery, 2 => failure];
    let op = prop_oneof![
        8 => (0..EVENTS, step).prop_map(|(event, step)| Op::One(event, step)),
        2 => Just(Op::Tick),
        1 => Just(Op::RelayPage),
    ];
    vec(op, 0..STEPS)
}

struct Events {
    worlds: Vec<World>,
    product: Product,
}

impl Events {
    fn run(product: Product, ops: &[Op]) -> Result<(), Broken> {
        let mut events = Self { worlds: vec![World::new(&product); EVENTS], product };
        for op in ops {
            events.apply(*op)?;
        }
        events.calm()
    }

    fn apply(&mut self, op: Op) -> Result<(), Broken> {
        match op {
            Op::One(event, step) => self.step(event, step).map(drop),
            Op::Tick => self.each(Step::Tick),
            Op::RelayPage => {
                let mut taken = 0;
                for event in 0..EVENTS {
                    if taken < PAGE {
                        taken += usize::from(self.step(event, Step::Relay)?);
                    }
                }
                Ok(())
            }
        }
    }

    /// Runs a step. False if the step cannot happen.
    fn step(&mut self, event: usize, step: Step) -> Result<bool, Broken> {
        match self.worlds[event].after(step, &self.product, BOUNDS) {
            Some(after) => self.worlds[event] = after?,
            None => return Ok(false),
        }
        Ok(true)
    }

    fn each(&mut self, step: Step) -> Result<(), Broken> {
        (0..EVENTS).try_for_each(|event| self.step(event, step).map(drop))
    }

    fn calm(&mut self) -> Result<(), Broken> {
        for _ in 0..CALM_ROUNDS {
            for step in [
                Step::Succeed(0, Copied::Gone),
                Step::Tick,
                Step::Publish,
                Step::Deliver(Copied::Again),
                Step::DeliverAlone(Copied::Again),
            ] {
                self.each(step)?;
            }
            self.apply(Op::RelayPage)?;
        }
        match self.worlds.iter().find(|world| !world.has_ended()) {
            Some(world) => Err(Broken(format!("no way to the end from {world:?}"))),
            None => Ok(()),
        }
    }
}

fn check(product: Product) -> impl Fn(Vec<Op>) -> TestCaseResult {
    move |ops| Events::run(product, &ops).map_err(|broken| TestCaseError::fail(broken.0))
}

#[test]
fn any_order_of_steps_keeps_the_promises() {
    let config = config();
    let seed = config.rng_seed;
    if let Err(error) = TestRunner::new(config).run(&ops(), check(Product::right())) {
        panic!("{error}\nto see it again, set PROPTEST_RNG_SEED: {seed:?}");
    }
}

/// No file is written beside the sources, since the seed is enough to find a failure again.
fn config() -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    match config.rng_seed {
        RngSeed::Fixed(_) => config,
        RngSeed::Random => Config { rng_seed: RngSeed::Fixed(Uuid::new_v4().as_u64_pair().0), ..config },
    }
}

#[test]
fn a_mistake_is_found_and_shrinks() {
    for mistake in [
        Mistake::RelayForgetsFailed,
        Mistake::AckedBeforeTheWork,
        Mistake::DeadLetterKills,
        Mistake::NoFencing,
        Mistake::LostIsATry,
        Mistake::DrainIsATry,
        Mistake::ReplayKeepsRetries,
    ] {
        let config = Config { cases: 2_000, rng_seed: RngSeed::Fixed(1), ..config() };
        match TestRunner::new(config).run(&ops(), check(Product::with(mistake))) {
            Err(TestError::Fail(why, ops)) => {
                println!("{mistake:?}: {why} by {ops:?}");
                assert!(ops.len() < 30, "{mistake:?} is found, but only by {ops:?}");
            }
            other => panic!("{mistake:?} is not found: {other:?}"),
        }
    }
}
