//! Links in the mails that an API under test has sent.

use std::time::Duration;

use tests::{mail, world::World};

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The links to `page` in mails to `address`, oldest first, once there are at least `count`.
pub(crate) async fn links(world: &World, address: &str, page: &str, count: usize) -> Vec<String> {
    let folder = &world.app.state.config.mail.dir;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mails = mail::in_folder(folder).into_iter().filter(|mail| mail.to == address && mail.text.contains(&format!("/{page}?token=")));
        let links: Vec<String> = mails.map(|mail| mail.link().into()).collect();
        if links.len() >= count {
            return links;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {count} links to {page} came for {address}", links.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The token of a link.
pub(crate) fn token(link: &str) -> String {
    link.split_once("token=").expect("a link with a token").1.to_owned()
}
