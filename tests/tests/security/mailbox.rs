//! The mails that an API under test has sent, as files.

use std::{path::Path, time::Duration};

use mail_parser::MessageParser;
use tests::world::World;

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The links to `page` in mails to `address`, oldest first, once there are at least `count`.
pub(crate) async fn links(world: &World, address: &str, page: &str, count: usize) -> Vec<String> {
    let folder = &world.app.state.config.mail.dir;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut mails = read(folder, address);
        mails.sort();
        let links: Vec<String> = mails.iter().filter_map(|(_, text)| link(text, page)).collect();
        if links.len() >= count {
            return links;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {count} links to {page} came for {address}: {mails:?}", links.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Texts of the mails to `address`, with what they are sorted by.
fn read(folder: &Path, address: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|file| file.path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .filter_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            let mail = MessageParser::default().parse(&bytes)?;
            let to = mail.to()?.first()?.address()?.to_owned();
            let text = mail.body_text(0)?.into_owned();
            (to == address).then(|| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
        })
        .collect()
}

fn link(text: &str, page: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with("http") && word.contains(&format!("/{page}?token="))).map(str::to_owned)
}

/// The token of a link.
pub(crate) fn token(link: &str) -> String {
    link.split_once("token=").expect("a link with a token").1.to_owned()
}
