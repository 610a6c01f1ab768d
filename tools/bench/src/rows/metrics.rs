use super::grown::Grown;
use crate::Error;
use crate::figure::Figure;
use crate::median::median;
use crate::world::{Database, Service, World};

const PATH: &str = "/admin/metrics";
/// The most calls until all filled rows are counted. One call counts only a limited number of new rows.
const FIRST_CALLS: usize = 100;

/// `GET /admin/metrics` of a large table.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let grown = Grown::start(world).await?;
    for (database, admin) in [&grown.large, &grown.small] {
        count(world, database, admin).await?;
    }
    let (compared, latencies) = grown.ask(world, PATH, PATH).await?;
    // Sums the partitioned tables that grow, with their indexes.
    let question = "SELECT sum(pg_total_relation_size(relid))::float8 / (SELECT rows FROM bench_grown)
                      FROM (SELECT (pg_partition_tree(parent)).relid
                              FROM unnest('{events,outcomes}'::regclass[]) AS parent) AS tables";
    let bytes: f64 = grown.large.0.value(question).await?;
    grown.stop().await?;
    let slow: Vec<_> = latencies.iter().map(|latencies| latencies.percentile(99.0)).collect();
    let slow = median(&slow).ok_or("nothing was measured")?;
    Ok(vec![
        Figure::compared("metrics-growth", "ms", &compared),
        Figure::alone("metrics-p99", slow, "ms").note("of the large table"),
        Figure::alone("bytes-per-event", bytes, "bytes"),
    ])
}

/// Counts as the scheduler would have done over time. A call that takes too long is given up by the service, and the
/// next call continues.
async fn count(world: &World, database: &Database, admin: &Service) -> Result<(), Error> {
    let is_counted = "SELECT position > (SELECT max(xid) FROM outcomes) FROM cursors WHERE name = 'totals'";
    for _ in 0..FIRST_CALLS {
        world.client.get(admin.url(PATH)).send().await?;
        if database.value(is_counted).await? {
            return Ok(());
        }
    }
    Err(format!("GET {PATH} has not counted all after {FIRST_CALLS} calls").into())
}
