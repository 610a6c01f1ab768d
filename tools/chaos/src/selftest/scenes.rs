use std::time::Duration;

use crate::faults::Kind;
use crate::load::Pace;
use crate::proxy::Weather;

/// A load and its faults, which bring bugs to light. Without a bug the books balance, as the control of the scene
/// shows.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) lasts: Duration,
    pub(super) faults: &'static [Kind],
    /// Each of these faults has to be dealt, or a run of this scene shows nothing.
    pub(super) needs: &'static [Kind],
    /// The attacked processes are those with a name that begins with this text.
    pub(super) targets: &'static str,
    pub(super) fault_points: &'static str,
    /// The weather on these edges while the attack lasts.
    pub(super) weather: &'static [(&'static str, Weather)],
    /// Pub/Sub takes messages and delivers none, until everything has ended.
    pub(super) drops_messages: bool,
    pub(super) set: &'static [(&'static str, &'static str)],
    pub(super) pace: Pace,
    /// The most attempts that an event may have.
    pub(super) most_attempts: Option<i32>,
    /// The offset of the clocks of the second instances.
    pub(super) second_clock: Option<&'static str>,
}

const PACE: Pace = Pace {
    seed: 0,
    rate: 40,
    at_once: 4_000,
    killers: 0,
    session_enders: 0,
    poison: true,
    slow: 20,
    fails_twice: 20,
    fails: 0,
    impatient: false,
};

const QUIET: Scene = Scene {
    name: "",
    lasts: Duration::from_secs(10),
    faults: &[],
    needs: &[],
    targets: "",
    fault_points: "",
    weather: &[],
    drops_messages: false,
    set: &[],
    pace: PACE,
    most_attempts: None,
    second_clock: None,
};

/// Settings with which a healthy event never waits long.
const SHORT_WAITS: &[(&str, &str)] = &[("RETRY_MAX_SECONDS", "1"), ("DUE_STEP_SECONDS", "12")];

/// All scenes.
pub(super) static SCENES: &[&Scene] = &[
    &NOTHING,
    &SLOW_INSERTS,
    &OVERTAKEN,
    &INGEST_KILLED,
    &IMPATIENT_CLIENTS,
    &DIES_AFTER_UPLOAD,
    &JOBS_WITHOUT_ANSWER,
    &PUSHES_LOST,
    &KILLER,
    &KILLER_IN_COMPANY,
    &SESSION_ENDER,
    &ATTEMPTS_LOST,
    &ATTEMPTS_LOST_CLOCK_OFF,
    &MESSAGES_LOST,
    &NO_PUSHES,
    &STARVED,
];

pub(super) static NOTHING: Scene = Scene { name: "nothing", ..QUIET };

pub(super) static SLOW_INSERTS: Scene = Scene {
    name: "slow-inserts",
    lasts: Duration::from_secs(5),
    weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(200)))],
    ..QUIET
};

pub(super) static OVERTAKEN: Scene = Scene {
    name: "overtaken",
    faults: &[Kind::Overtaken],
    needs: &[Kind::Overtaken],
    set: &[("FIRST_DUE_SECONDS", "4")],
    ..QUIET
};

pub(super) static INGEST_KILLED: Scene = Scene {
    name: "ingest-killed",
    faults: &[Kind::Kill, Kind::DatabaseCrash],
    needs: &[Kind::Kill],
    targets: "ingest",
    weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(100)))],
    ..QUIET
};

pub(super) static IMPATIENT_CLIENTS: Scene = Scene {
    name: "impatient-clients",
    // The rate is low, so that inserts take their connections from the pool.
    lasts: Duration::from_secs(20),
    weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(60)))],
    pace: Pace { rate: 15, impatient: true, ..PACE },
    ..QUIET
};

pub(super) static DIES_AFTER_UPLOAD: Scene =
    Scene { name: "after-upload", fault_points: "after-upload=1", ..QUIET };

pub(super) static JOBS_WITHOUT_ANSWER: Scene = Scene {
    name: "jobs-without-an-answer",
    faults: &[Kind::AcceptedWithoutAnswer],
    needs: &[Kind::AcceptedWithoutAnswer],
    ..QUIET
};

pub(super) static PUSHES_LOST: Scene = Scene {
    name: "pushes-lost",
    weather: &[("Pub/Sub to push", Weather::LoseRequests(0.9))],
    // With the usual settings, failures would slow Pub/Sub down before it gives up on a message.
    set: &[("PUBSUB_MAX_BACKOFF_MS", "1"), ("RETRY_MAX_SECONDS", "1")],
    ..QUIET
};

pub(super) static KILLER: Scene = Scene {
    name: "killer",
    set: &[
        ("MAX_LOST_ATTEMPTS", "3"),
        ("HANDLER_LIMIT_SECONDS", "1"),
        ("LEASE_SECONDS", "2"),
        ("FIRST_DUE_SECONDS", "3"),
    ],
    pace: Pace { killers: 1, slow: 0, ..PACE },
    most_attempts: Some(9),
    ..QUIET
};

pub(super) static ATTEMPTS_LOST: Scene = Scene {
    name: "attempts-lost",
    fault_points: "after-handler=0.02",
    pace: Pace { slow: 100, ..PACE },
    ..QUIET
};

pub(super) static ATTEMPTS_LOST_CLOCK_OFF: Scene = Scene {
    name: "attempts-lost-clock-off",
    fault_points: "after-handler=0.03",
    set: SHORT_WAITS,
    second_clock: Some("+50m"),
    ..QUIET
};

pub(super) static MESSAGES_LOST: Scene = Scene {
    name: "messages-lost",
    faults: &[Kind::PubsubAway],
    needs: &[Kind::PubsubAway],
    set: SHORT_WAITS,
    pace: Pace { fails_twice: 300, ..PACE },
    ..QUIET
};

/// While an event kills its process, handlers of healthy events run in the same process.
pub(super) static KILLER_IN_COMPANY: Scene = Scene {
    name: "killer-in-company",
    set: &[("MAX_LOST_ATTEMPTS", "2")],
    pace: Pace { rate: 10, killers: 6, slow: 500, ..PACE },
    ..QUIET
};

/// The event is dead after twenty attempts.
pub(super) static SESSION_ENDER: Scene = Scene {
    name: "session-ender",
    lasts: Duration::from_secs(5),
    set: SHORT_WAITS,
    pace: Pace { rate: 10, session_enders: 2, ..PACE },
    most_attempts: Some(25),
    ..QUIET
};

/// Only the relay can bring an event to its end.
pub(super) static NO_PUSHES: Scene = Scene {
    name: "no-pushes",
    lasts: Duration::from_secs(5),
    drops_messages: true,
    set: SHORT_WAITS,
    pace: Pace { rate: 10, ..PACE },
    ..QUIET
};

/// A handler takes 1.5 s of its 2 s, in a process that is stopped for most of the time.
pub(super) static STARVED: Scene = Scene {
    name: "starved",
    lasts: Duration::from_secs(25),
    faults: &[Kind::StarvedCpu],
    needs: &[Kind::StarvedCpu],
    targets: "process-push",
    // An event is dead after two time-outs.
    set: &[("MAX_RETRIES", "1")],
    pace: Pace { slow: 300, fails_twice: 0, ..PACE },
    ..QUIET
};
