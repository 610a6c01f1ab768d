use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::mistakes::Mistake;
use crate::product::Product;
use crate::step::Step;
use crate::world::{Bounds, World};

const BOUNDS: Bounds = Bounds { copies: 2, workers: 2, replays: 1 };

/// All states that were reached, each with the step that led to it.
struct Walk {
    found: HashMap<World, Option<(World, Step)>>,
    /// The states before a state, with the steps between them.
    before: HashMap<World, Vec<(World, Step)>>,
}

impl Walk {
    /// Walks breadth-first, so that the first way to a mistake is the shortest one.
    fn of(product: &Product) -> Result<Self, String> {
        let start = World::new(product).canonical();
        let mut walk = Self { found: HashMap::from([(start.clone(), None)]), before: HashMap::new() };
        let mut next = VecDeque::from([start]);
        let steps = Step::all(BOUNDS.workers);
        while let Some(world) = next.pop_front() {
            for step in &steps {
                let Some(after) = world.after(*step, product, BOUNDS) else { continue };
                let after = match after {
                    Ok(after) => after.canonical(),
                    Err(broken) => {
                        return Err(format!("{} by {}", broken.0, walk.way_to(&world, Some(*step))));
                    }
                };
                if step.is_calm() || step.is_without_pubsub() {
                    walk.before.entry(after.clone()).or_default().push((world.clone(), *step));
                }
                if let Entry::Vacant(entry) = walk.found.entry(after.clone()) {
                    entry.insert(Some((world.clone(), *step)));
                    next.push_back(after);
                }
            }
        }
        walk.all_can_end("", Step::is_calm)?;
        walk.all_can_end(" without Pub/Sub", Step::is_without_pubsub)?;
        Ok(walk)
    }

    /// Checks that these steps alone bring an event to its end from every state that was reached.
    fn all_can_end(&self, how: &str, counts: fn(Step) -> bool) -> Result<(), String> {
        let ended = self.found.keys().filter(|world| world.has_ended());
        let mut can_end: HashSet<&World> = ended.collect();
        let mut next: Vec<_> = can_end.iter().copied().collect();
        while let Some(world) = next.pop() {
            for (before, step) in self.before.get(world).into_iter().flatten() {
                if counts(*step) && can_end.insert(before) {
                    next.push(before);
                }
            }
        }
        let stuck = self.found.keys().filter(|world| !can_end.contains(world));
        match stuck.map(|world| self.way_to(world, None)).min_by_key(String::len) {
            Some(way) => Err(format!("no way to the end{how} by {way}")),
            None => Ok(()),
        }
    }

    fn way_to(&self, world: &World, last: Option<Step>) -> String {
        let mut steps: Vec<Step> = last.into_iter().collect();
        let mut at = world;
        while let Some(Some((before, step))) = self.found.get(at) {
            steps.push(*step);
            at = before;
        }
        let told: Vec<_> = steps.iter().rev().map(|step| format!("{step:?}")).collect();
        told.join(" > ")
    }
}

#[test]
fn every_reachable_state_keeps_the_promises() {
    let walk = Walk::of(&Product::right()).unwrap();
    println!("{} states", walk.found.len());
    // A lower number would mean that some steps never happen.
    assert!(walk.found.len() > 5_000, "only {} states", walk.found.len());
}

#[test]
fn every_mistake_is_found() {
    for (mistake, broken) in Mistake::ALL {
        match Walk::of(&Product::with(mistake)) {
            Ok(_) => panic!("{mistake:?} is not found"),
            Err(told) => {
                println!("{mistake:?}: {told}");
                assert!(told.starts_with(broken), "{mistake:?}: {told}");
            }
        }
    }
}
