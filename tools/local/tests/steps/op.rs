use proptest::prelude::{Just, Strategy, any as arbitrary, prop_oneof};

use crate::stage::Ending;
use crate::warehouse::Cut;

/// An action of a client, Pub/Sub, the scheduler, an operator or the clock, or a fault. A number selects one of the
/// existing objects.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Post {
        answered: bool,
    },
    /// A client without an answer sends an earlier post once more, with the same key.
    PostAgain(usize),
    Push {
        copy: usize,
        worker: usize,
        ending: Ending,
        answered: bool,
    },
    /// Begins an attempt that lasts until it is released, or until its process dies.
    Hold {
        copy: usize,
        worker: usize,
    },
    Release {
        held: usize,
        ending: Ending,
        answered: bool,
    },
    Duplicate(usize),
    /// The message is lost and never delivered.
    Lose(usize),
    /// Pub/Sub gives up on a message, by its own count.
    GiveUp(usize),
    DeadLetter {
        copy: usize,
        worker: usize,
        answered: bool,
    },
    Pass {
        seconds: u32,
    },
    Relay {
        worker: usize,
    },
    Replay(usize),
    Flush,
    /// The flusher dies at one of its requests.
    FlushCut(Cut),
    Crash {
        worker: usize,
    },
    Stop {
        worker: usize,
    },
}

pub(crate) fn any() -> impl Strategy<Value = Op> {
    let one = || 0..4_usize;
    let worker = || 0..2_usize;
    let answered = || prop_oneof![4 => Just(true), 1 => Just(false)];
    prop_oneof![
        3 => answered().prop_map(|answered| Op::Post { answered }),
        1 => one().prop_map(Op::PostAgain),
        8 => (one(), worker(), ending(), answered())
            .prop_map(|(copy, worker, ending, answered)| Op::Push { copy, worker, ending, answered }),
        4 => (one(), worker()).prop_map(|(copy, worker)| Op::Hold { copy, worker }),
        4 => (one(), ending(), answered())
            .prop_map(|(held, ending, answered)| Op::Release { held, ending, answered }),
        4 => one().prop_map(Op::Duplicate),
        2 => one().prop_map(Op::Lose),
        1 => one().prop_map(Op::GiveUp),
        2 => (one(), worker(), answered())
            .prop_map(|(copy, worker, answered)| Op::DeadLetter { copy, worker, answered }),
        5 => prop_oneof![Just(6), Just(16), Just(41)].prop_map(|seconds| Op::Pass { seconds }),
        3 => worker().prop_map(|worker| Op::Relay { worker }),
        2 => one().prop_map(Op::Replay),
        2 => Just(Op::Flush),
        2 => (0..8_usize, arbitrary::<bool>()).prop_map(|(at, answers)| Op::FlushCut(Cut { at, answers })),
        2 => worker().prop_map(|worker| Op::Crash { worker }),
        1 => worker().prop_map(|worker| Op::Stop { worker }),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Success),
        4 => Just(Ending::Failure),
        1 => Just(Ending::Panic),
        1 => Just(Ending::Permanent),
    ]
}
