use std::time::Duration;

use gcp::{Message, Publisher, PublisherConfig};
use local::stack::Part;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fault, Kind};
use crate::Error;

impl Fault {
    pub(super) async fn pubsub(&mut self) -> Result<(), Error> {
        let (name, value) = match self.kind {
            Kind::Duplicates => ("duplicate", json!(0.5)),
            Kind::Delayed => ("delayMs", json!([200, 3_000])),
            Kind::Reordered => ("reorder", json!(0.5)),
            Kind::Dropped => ("drop", json!(0.2)),
            _ => ("refusePublish", json!(0.5)),
        };
        self.in_stand_in(Part::Pubsub, name, value, 2_000..6_000).await
    }

    pub(super) async fn in_stand_in(
        &mut self,
        part: Part,
        name: &'static str,
        value: Value,
        lasts: std::ops::Range<u64>,
    ) -> Result<(), Error> {
        let turn = self.turn(name);
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        self.begun();
        self.shared.stand_ins.set(part, name, Some(value)).await?;
        self.last(lasts).await;
        self.shared.stand_ins.set(part, name, None).await
    }

    /// Kills the stand-in together with its state. The Pub/Sub stand-in comes back without its messages.
    pub(super) async fn away(&mut self, part: Part) -> Result<(), Error> {
        let turn = self.turn(part.name());
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        self.begun();
        self.world().stack.take_away(part).await?;
        self.last(1_000..5_000).await;
        self.world().stack.restart(part).await?;
        self.shared.stand_ins.restore(part).await
    }

    /// Publishes copies of messages that were acknowledged long ago, whatever the end of their events was.
    pub(super) async fn late_duplicates(&mut self) -> Result<(), Error> {
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        let old: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM outcomes ORDER BY random() LIMIT 200")
            .fetch_all(&mut database)
            .await
            .unwrap_or_default();
        let settings = self.world().stack.settings();
        let publisher = Publisher::connect(PublisherConfig {
            project: settings.project.clone(),
            topic: settings.topic.clone(),
            emulator_host: Some(format!("localhost:{}", settings.ports.of(Part::Pubsub))),
            credentials_file: None,
            timeout: Duration::from_secs(2),
        })
        .await?;
        self.begun();
        let copies = old.iter().map(|id| Message {
            event_id: id.to_string(),
            event_type: "demo.ledger".into(),
            traceparent: None,
        });
        // The copies are only extra messages, so a refused one does not matter.
        publisher.publish(copies.collect()).await;
        Ok(())
    }
}
