use std::fmt::Display;
use std::fs::{File, create_dir, remove_file};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_millis(5);

static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();

/// An attempt that was held. The drop of this value marks the end of the attempt.
pub struct Held(Option<PathBuf>);

/// Waits here while the chaos run holds this attempt.
///
/// The chaos run asks for an attempt by a file with the point's name in `FAULT_HOLDS`. The first attempt of an event
/// that reaches the point takes the file and makes a folder with the event's id. From then on every attempt of that
/// event is held: it writes `<id>/<attempt>.held` and continues once `<id>/<attempt>.go` or `<id>/all.go` exists. At
/// its end it writes `<id>/<attempt>.over`.
pub async fn hold(point: &str, id: impl Display, attempt: u32) -> Held {
    match FOLDER.get_or_init(|| std::env::var_os("FAULT_HOLDS").map(PathBuf::from)) {
        Some(folder) => hold_in(folder, point, &id.to_string(), attempt).await,
        None => Held(None),
    }
}

async fn hold_in(folder: &Path, point: &str, id: &str, attempt: u32) -> Held {
    let event = folder.join(id);
    let is_asked_for =
        || attempt == 1 && remove_file(folder.join(point)).is_ok() && create_dir(&event).is_ok();
    let all = event.join("all.go");
    if !(event.exists() || is_asked_for()) || all.exists() {
        return Held(None);
    }
    let file = |what: &str| event.join(format!("{attempt}.{what}"));
    let _ = File::create(file("held"));
    while !(file("go").exists() || all.exists()) {
        sleep(LOOK_EVERY).await;
    }
    Held(Some(file("over")))
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            let _ = File::create(file);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn an_attempt_is_held_once_it_is_asked_for_and_so_is_the_next_one_of_its_event() {
        let folder = std::env::temp_dir().join(format!("holds-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(hold_in(&folder, "here", "a", 1).await.0.is_none(), "nobody has asked");
        File::create(folder.join("here")).unwrap();
        assert!(hold_in(&folder, "there", "a", 1).await.0.is_none(), "another point");
        let held = tokio::spawn({
            let folder = folder.clone();
            async move { drop(hold_in(&folder, "here", "a", 1).await) }
        });
        while !folder.join("a/1.held").exists() {
            sleep(LOOK_EVERY).await;
        }
        assert!(hold_in(&folder, "here", "b", 1).await.0.is_none(), "one was asked for");
        File::create(folder.join("a/2.go")).unwrap();
        drop(hold_in(&folder, "elsewhere", "a", 2).await);
        assert!(folder.join("a/2.over").exists() && !folder.join("a/1.over").exists());
        File::create(folder.join("a/1.go")).unwrap();
        held.await.unwrap();
        assert!(folder.join("a/1.over").exists());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
