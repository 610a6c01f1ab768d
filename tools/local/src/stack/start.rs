use futures::future::{join_all, try_join_all};

use super::{
    Part, Settings, Stack, database::Database, google, migrate, pubsub, service::Service, sign::Signing,
    stand_in::StandIn,
};
use crate::{
    Error,
    postgres::{Binaries, Wanted},
    process::{Program, Supervised},
};

/// Starts and stops the parts in the order in which they need each other.
impl Stack {
    pub async fn up(&mut self) -> Result<(), Error> {
        for part in [Part::Oidc, Part::Bigquery] {
            self.start_stand_in(part)?;
        }
        self.start_pubsub().await?;
        self.start_database().await?;
        self.start_services().await?;
        self.start_stand_in(Part::Scheduler)?;
        try_join_all(self.parts.values().map(Supervised::ready)).await?;
        Ok(())
    }

    /// Stops the services first, because they still need the other parts to finish their work.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.supervisor.end();
        let (postgres, cloud) =
            ([Part::Postgres], [Part::Scheduler, Part::Pubsub, Part::Bigquery, Part::Oidc]);
        for parts in [&Part::SERVICES[..], &cloud, &postgres] {
            let here = parts.iter().filter_map(|part| self.parts.remove(part));
            let ends = join_all(here.map(Supervised::stop)).await;
            ends.into_iter().collect::<Result<(), Error>>()?;
        }
        Ok(())
    }

    fn start_stand_in(&mut self, part: Part) -> Result<(), Error> {
        let stand_in = self.stand_in(part);
        self.start_part(part, stand_in)
    }

    async fn start_pubsub(&mut self) -> Result<(), Error> {
        let settings = self.settings().clone();
        if !settings.google_pubsub {
            let server = self.stand_in(Part::Pubsub);
            let push = settings.url(Part::ProcessPush);
            return self.start_with_topics(server, settings, push);
        }
        let server = google::Emulator::find(&settings)?;
        let signing = Signing::start(&settings).await?;
        let push = signing.url.clone();
        self.signing = Some(signing);
        self.start_with_topics(server, settings, push)
    }

    fn start_with_topics(
        &mut self,
        server: impl Program,
        settings: Settings,
        push: String,
    ) -> Result<(), Error> {
        let program = pubsub::WithTopics { server, settings, push };
        self.start_part(Part::Pubsub, program)
    }

    async fn start_database(&mut self) -> Result<(), Error> {
        if !self.has(Part::Postgres) {
            return Ok(());
        }
        let wanted = Wanted::by(self.settings().environment.get("POSTGRES_BIN"));
        let binaries = Binaries::find(wanted).await?;
        self.postgres = binaries.to_string();
        let folder = self.options.folder.join("postgres");
        let port = self.settings().ports.of(Part::Postgres);
        let database = Database::open(&folder, binaries, self.options.durability, port).await?;
        self.start_part(Part::Postgres, database)?;
        self.parts[&Part::Postgres].ready().await
    }

    async fn start_services(&mut self) -> Result<(), Error> {
        if self.has(Part::Admin) {
            migrate::run(&self.options.programs, &self.logs(), self.settings()).await?;
        }
        for part in Part::SERVICES {
            let service = Service::new(part, &self.options.programs, self.settings());
            self.start_part(part, service)?;
        }
        Ok(())
    }

    fn start_part(&mut self, part: Part, program: impl Program) -> Result<(), Error> {
        if self.has(part) {
            let supervised = self.supervisor.supervise(program)?;
            self.parts.insert(part, supervised);
        }
        Ok(())
    }

    fn stand_in(&self, part: Part) -> StandIn {
        StandIn::new(part, &self.options.programs, &self.options.folder, self.settings())
    }
}
