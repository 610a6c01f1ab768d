//! Loads as many events as possible while a transaction pins the rows that vacuum may remove. It measures throughput,
//! bloat and the recovery.

use std::sync::Arc;
use std::time::Duration;

use local::stack::Part;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::left::Left;
use crate::load::{Load, Pace};
use crate::run;
use crate::world::{Wish, World};

/// The length of the run without a pin, which is the reference.
const FREE: Duration = Duration::from_mins(1);
/// More events a second than the machine can take. Unanswered requests hold the next ones back.
const RATE: u32 = 5_000;
/// The time after the release in which vacuum and the flush have to catch up.
const RELEASE: Duration = Duration::from_mins(3);
/// The dead rows of `live` after the release: about as many as its autovacuum leaves.
const MOST_DEAD: &str = "SELECT 5000 + count(*) / 20 FROM live";
/// Events that kill a process or let a handler sleep have nothing to do with vacuum, so there are none.
const CALM: Pace = Pace {
    seed: 1,
    rate: RATE,
    at_once: 64,
    killers: 0,
    session_enders: 0,
    poison: false,
    slow: 0,
    fails_twice: 0,
    fails: 0,
    impatient: false,
};

/// Returns true if all checks hold.
pub(crate) async fn pressure(lasts: Duration) -> Result<bool, Error> {
    let world = Arc::new(World::start(&Wish::default()).await?);
    let measured = measure(&world, lasts).await;
    Arc::into_inner(world).ok_or("something still uses the world")?.stop().await?;
    measured
}

async fn measure(world: &Arc<World>, lasts: Duration) -> Result<bool, Error> {
    let mut database = world.database().await?;
    let free = load(world, "free", FREE).await?;
    let mut pin = world.database().await?;
    sql(&mut pin, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id()").await?;
    let pinned = load(world, "pinned", lasts).await?;
    let dead_pinned = dead(&mut database).await?;
    let unloaded = Left::of_all(&mut database).await?.not_loaded;
    sql(&mut pin, "ROLLBACK").await?;
    let released = Instant::now();
    let (mut dead_now, mut left) = (dead_pinned, unloaded);
    let mut most_dead = number(&mut database, MOST_DEAD).await?;
    while (dead_now > most_dead || left > 0) && released.elapsed() < RELEASE {
        sleep(Duration::from_secs(1)).await;
        dead_now = dead(&mut database).await?;
        left = Left::of_all(&mut database).await?.not_loaded;
        most_dead = number(&mut database, MOST_DEAD).await?;
    }
    println!("\nevents answered a second, free                {free:>10.0}");
    println!("events answered a second, pinned              {pinned:>10.0}");
    println!("dead rows in `live`, pinned                   {dead_pinned:>10}");
    println!("dead rows in `live`, after the release        {dead_now:>10}");
    println!("not loaded, pinned                            {unloaded:>10}");
    println!("not loaded, after the release                 {left:>10}");
    println!("seconds from the release                      {:>10.0}", released.elapsed().as_secs_f64());
    let held = [
        ("throughput stays above half", pinned > free / 2.0),
        ("the flush is held back, and no row is skipped", unloaded > 0),
        ("dead rows are few again", dead_now <= most_dead),
        ("everything is loaded", left == 0),
    ];
    for (what, holds) in held {
        println!("{what}: {}", if holds { "yes" } else { "NO" });
    }
    Ok(held.iter().all(|(_, holds)| *holds))
}

/// Returns the number of events answered a second.
async fn load(world: &World, name: &str, lasts: Duration) -> Result<f64, Error> {
    let folder = run::folder("pressure")?;
    std::fs::create_dir_all(&folder)?;
    let url = format!("{}/events", world.stack.url(Part::Ingest));
    let load = Load::start(url, &folder.join(name), CALM)?;
    let start = Instant::now();
    while start.elapsed() < lasts {
        sleep(Duration::from_secs(5).min(lasts)).await;
        println!("{name:<8} {:>4} s  answered {:>8}", start.elapsed().as_secs(), load.answered());
    }
    let rate = f64::from(u32::try_from(load.answered())?) / start.elapsed().as_secs_f64();
    load.stop(Duration::from_secs(30)).await?;
    Ok(rate)
}

async fn dead(database: &mut PgConnection) -> Result<i64, Error> {
    number(database, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'live'").await
}

async fn number(database: &mut PgConnection, question: &'static str) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(question).fetch_one(database).await?)
}

async fn sql(database: &mut PgConnection, statements: &str) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(database).await?;
    Ok(())
}
