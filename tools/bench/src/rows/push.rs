use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use local::stack::Part;

use crate::compared::Compared;
use crate::figure::Figure;
use crate::load::{Closed, Lasts, Request, Script, at};
use crate::pgbench::{self, PUSHES, Run};
use crate::world::{Event, Service, World, pending};
use crate::{Error, payload};

const CONNECTIONS: usize = 64;

/// From PENDING to PROCESSED, by pushes that come as fast as they are answered. One figure is with a handler that
/// writes in the transaction of the event, and one with a handler that does nothing.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let transactional = Event { event_type: "demo.ledger", payload: payload::transactional() };
    let plain = Event { event_type: "bench.event", payload: payload::plain() };
    Ok(vec![
        compare(world, "push-transactional", &transactional).await?,
        compare(world, "push-plain", &plain).await?,
    ])
}

async fn compare(world: &World, name: &str, event: &Event) -> Result<Figure, Error> {
    let database = world.migrated_database("push").await?;
    let count = world.size.rows(100_000);
    let service = Service::start(world, Part::ProcessPush, &database, &[]).await?;
    let token = world.token("pusher", Part::ProcessPush).await?;
    let push = Request::post("/push").bearer(Some(&token));
    let address = at(service.port);
    let deliver = async |count| {
        let ids = pending(&database, event, count).await?;
        world.settle().await?;
        let pushes = Pushes { push: push.clone(), event_type: event.event_type, ids, next: 0 };
        let tally = Closed { address, connections: CONNECTIONS, lasts: Lasts::ToTheEnd }.run(pushes).await?;
        let left: i64 = database.value("SELECT count(*) FROM live").await?;
        if left > 0 {
            return Err(format!("{left} of {count} pushes left their event unfinished").into());
        }
        Ok::<_, Error>(tally.per_second())
    };
    deliver(count / 10).await?;
    let compared =
        Compared::measure(async || deliver(count).await, async || yardstick(world, count).await).await?;
    service.stop().await?;
    world.drop_database(&database).await?;
    Ok(Figure::compared(name, "events/s", &compared))
}

async fn yardstick(world: &World, count: u64) -> Result<f64, Error> {
    let each = count.div_ceil(CONNECTIONS as u64);
    let database = world.database(pgbench::DATABASE);
    database.sql(&pgbench::pushes(CONNECTIONS, each)).await?;
    database.sql("VACUUM (ANALYZE) claimed").await?;
    world.settle().await?;
    let run = Run {
        port: world.postgres_port(),
        clients: CONNECTIONS,
        script: PUSHES,
        lasts: pgbench::Lasts::Transactions(each),
        rate: None,
    };
    world.pgbench.per_second(&run).await
}

/// A script with one push for each event.
struct Pushes {
    push: Request,
    event_type: &'static str,
    ids: Vec<uuid::Uuid>,
    next: usize,
}

impl Script for Pushes {
    fn next(&mut self) -> Option<Arc<[u8]>> {
        let id = self.ids.get(self.next)?;
        self.next += 1;
        let data = BASE64_STANDARD.encode(id.to_string());
        let body = format!(
            r#"{{"message":{{"attributes":{{"eventType":"{}"}},"data":"{data}","messageId":"{number}","message_id":"{number}","publishTime":"2026-01-31T12:00:00Z","publish_time":"2026-01-31T12:00:00Z"}},"subscription":"projects/eventflow-local/subscriptions/events-worker"}}"#,
            self.event_type,
            number = self.next
        );
        Some(self.push.with(body.as_bytes()).into())
    }
}
