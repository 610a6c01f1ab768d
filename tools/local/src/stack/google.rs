use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Part, Settings, stand_in::listens};
use crate::{Error, process::Program};

/// Google's own Pub/Sub emulator, if its SDK is installed.
pub(super) struct Emulator {
    jar: PathBuf,
    settings: Settings,
}

impl Emulator {
    pub(super) fn find(settings: &Settings) -> Result<Self, Error> {
        let path = settings.environment.get("PATH").unwrap_or_default();
        let gcloud = program("gcloud", path)
            .ok_or("LOCAL_PUBSUB=google needs the Google Cloud SDK, and there is no `gcloud`")?;
        let jar = jar(&gcloud).ok_or(
            "LOCAL_PUBSUB=google needs Google's emulator: `gcloud components install \
             pubsub-emulator`, or with apt `google-cloud-cli-pubsub-emulator`",
        )?;
        program("java", path).ok_or("LOCAL_PUBSUB=google needs Java 11 or later, and there is no `java`")?;
        Ok(Self { jar, settings: settings.clone() })
    }
}

impl Program for Emulator {
    fn name(&self) -> &'static str {
        Part::Pubsub.name()
    }

    /// Starts the emulator without its launcher script, because the script would stand between the host and the
    /// process.
    fn command(&self) -> Command {
        let mut command = Command::new("java");
        self.settings.environment.pass_on_basics(&mut command);
        command
            .arg("-jar")
            .arg(&self.jar)
            .arg("--host=127.0.0.1")
            .arg(format!("--port={}", self.settings.ports.of(Part::Pubsub)));
        command
    }

    async fn is_ready(&self, _pid: u32) -> bool {
        listens(self.settings.ports.of(Part::Pubsub)).await
    }
}

fn program(name: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The emulator is a part of the SDK of `gcloud`, which is often reached by a link.
fn jar(gcloud: &Path) -> Option<PathBuf> {
    let gcloud = gcloud.canonicalize().ok()?;
    let sdk = gcloud.parent()?.parent()?;
    let files = sdk.join("platform/pubsub-emulator/lib").read_dir().ok()?;
    files
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jar"))
}
