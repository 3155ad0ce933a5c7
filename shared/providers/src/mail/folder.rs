//! Mails as files, for installations without a mail server and for tests.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use chrono::SecondsFormat;

use super::{Letter, MailError, MailSetupError};

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: PathBuf) -> Result<Self, MailSetupError> {
        match make(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(MailSetupError::Folder(path, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a mail as `<written at>-<id>.eml`: names sort by time, and the same mail is the same file.
    pub(super) async fn put(&self, letter: &Letter<'_>, content: Vec<u8>) -> Result<(), MailError> {
        let written_at = letter.written_at.to_rfc3339_opts(SecondsFormat::Micros, true).replace(':', "");
        let name = format!("{written_at}-{}.eml", letter.id);
        let folder = self.0.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &content)).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| MailError::Folder(self.0.clone(), error))
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Writes under another name first: whoever looks into the folder finds whole mails only.
fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    make(folder)?;
    let unfinished = folder.join(format!(".{name}.{:016x}", rand::random::<u64>()));
    let written = create(&unfinished).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(name))
    });
    if written.is_err() {
        // What is left would only be litter.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
