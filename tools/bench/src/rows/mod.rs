//! The rows of the report. Each row makes its own databases and services, and removes them.

mod flush;
mod grown;
mod idle;
mod ingest;
mod ingest_cpu;
mod ingest_growth;
mod latency;
mod lists;
mod metrics;
mod pipeline;
mod poison;
mod processed_lag;
mod push;
mod remote;
mod start;

use clap::ValueEnum;

use crate::Error;
use crate::figure::Figure;
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Row {
    IngestC64,
    IngestC256,
    IngestRemote,
    IngestC1,
    IngestBatch,
    IngestCpu,
    Push,
    Pipeline,
    Poison,
    Flush,
    MetricsGrowth,
    ListGrowth,
    IngestGrowth,
    Latency,
    ProcessedLag,
    Start,
    Idle,
    Size,
}

impl Row {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) async fn measure(self, world: &World) -> Result<Vec<Figure>, Error> {
        match self {
            Self::IngestC64 => ingest::one_by_one(world, &self.name(), 64, 64).await,
            Self::IngestC256 => ingest::one_by_one(world, &self.name(), 256, 64).await,
            Self::IngestRemote => remote::measure(world).await,
            Self::IngestC1 => ingest::one_by_one(world, &self.name(), 1, 1).await,
            Self::IngestBatch => ingest::in_batches(world, &self.name()).await,
            Self::IngestCpu => ingest_cpu::measure(world).await,
            Self::Push => push::measure(world).await,
            Self::Pipeline => pipeline::measure(world).await,
            Self::Poison => poison::measure(world).await,
            Self::Flush => flush::measure(world).await,
            Self::MetricsGrowth => metrics::measure(world).await,
            Self::ListGrowth => lists::measure(world).await,
            Self::IngestGrowth => ingest_growth::measure(world).await,
            Self::Latency => latency::measure(world).await,
            Self::ProcessedLag => processed_lag::measure(world).await,
            Self::Start => start::measure(world).await,
            Self::Idle => idle::measure(world).await,
            Self::Size => start::size(),
        }
    }
}
