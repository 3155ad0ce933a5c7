//! Addresses under which a file can be read for a while by whoever has them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use kernel::{FileId, OrganizationId};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::identity::derive;

/// Longest time that a link is good.
pub const LINK_LASTS: Duration = Duration::from_mins(15);
/// Links made within this time are the same, so that browsers find in their cache what they had before; each is good for 10 minutes at least.
const SAME_FOR_S: i64 = 300;

/// Makes and checks links. A link names one file of one organization and when it ends; none of that can be changed.
#[derive(Clone)]
pub struct FileLinks {
    /// The first one signs, all of them are accepted.
    keys: Vec<[u8; 32]>,
    base: String,
}

/// When a link ends, and what proves it.
#[derive(Clone, Debug)]
pub struct SignedLink {
    /// The address.
    pub url: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl FileLinks {
    /// Links below `public_url`, signed with keys made from the installation's signing secrets.
    pub fn new(jwt_secret: &SecretString, public_url: &str) -> Self {
        let secrets = derive::secrets(jwt_secret);
        let keys = secrets.iter().map(|secret| derive::mac(secret.expose_secret().as_bytes(), b"links to files")).collect();
        Self { keys, base: public_url.trim_end_matches('/').to_owned() }
    }

    /// A link to a file, good for 10 to 15 minutes.
    pub fn link(&self, organization: OrganizationId, file: FileId, now: DateTime<Utc>) -> SignedLink {
        let begun = now.timestamp().div_euclid(SAME_FOR_S) * SAME_FOR_S;
        let expires = begun + i64::try_from(LINK_LASTS.as_secs()).unwrap_or(i64::MAX);
        let signature = URL_SAFE_NO_PAD.encode(signed(&self.keys[0], organization, file, expires).finalize().into_bytes());
        let url = format!("{}/api/files/{file}/content?organization={organization}&expires={expires}&signature={signature}", self.base);
        SignedLink { url, expires_at: DateTime::from_timestamp(expires, 0).unwrap_or(now) }
    }

    /// Whether a link is one of ours and good still.
    pub fn admits(&self, organization: OrganizationId, file: FileId, expires: i64, signature: &str, now: DateTime<Utc>) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let ours = self.keys.iter().any(|key| signed(key, organization, file, expires).verify_slice(&signature).is_ok());
        ours && now.timestamp() < expires
    }
}

impl std::fmt::Debug for FileLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileLinks({})", self.base)
    }
}

fn signed(key: &[u8], organization: OrganizationId, file: FileId, expires: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(organization.uuid().as_bytes());
    mac.update(file.uuid().as_bytes());
    mac.update(&expires.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn parts(url: &str) -> (i64, String) {
        let (_, rest) = url.split_once("&expires=").unwrap();
        let (expires, signature) = rest.split_once("&signature=").unwrap();
        (expires.parse().unwrap(), signature.to_owned())
    }

    #[test]
    fn a_link_is_good_for_its_file_and_its_time_only() {
        let now: DateTime<Utc> = "2026-03-01T10:04:59Z".parse().unwrap();
        let links = FileLinks::new(&"0123456789abcdef0123456789abcdef".into(), "https://crm.example.com/");
        let [organization, other] = [OrganizationId::at(now), OrganizationId::at(now)];
        let [file, another] = [FileId::at(now), FileId::at(now)];
        let link = links.link(organization, file, now);
        assert!(link.url.starts_with(&format!("https://crm.example.com/api/files/{file}/content?")), "{}", link.url);
        let (expires, signature) = parts(&link.url);
        assert!(links.admits(organization, file, expires, &signature, now));
        assert!(links.admits(organization, file, expires, &signature, link.expires_at - TimeDelta::seconds(1)));
        assert!(!links.admits(organization, file, expires, &signature, link.expires_at));
        assert!(!links.admits(other, file, expires, &signature, now));
        assert!(!links.admits(organization, another, expires, &signature, now));
        assert!(!links.admits(organization, file, expires + 1, &signature, now));
        for signature in ["", "x", "%", &signature[1..]] {
            assert!(!links.admits(organization, file, expires, signature, now), "{signature}");
        }
    }

    #[test]
    fn no_link_lasts_longer_than_a_quarter_of_an_hour_nor_shorter_than_ten_minutes() {
        let links = FileLinks::new(&"0123456789abcdef0123456789abcdef".into(), "https://crm.example.com");
        let start: DateTime<Utc> = "2026-03-01T10:00:00Z".parse().unwrap();
        let (organization, file) = (OrganizationId::at(start), FileId::at(start));
        for second in 0..600 {
            let now = start + TimeDelta::seconds(second);
            let lasts = links.link(organization, file, now).expires_at - now;
            assert!(lasts > TimeDelta::minutes(10) && lasts <= TimeDelta::minutes(15), "{second}: {lasts}");
        }
        let link = |second| links.link(organization, file, start + TimeDelta::seconds(second)).url;
        assert_eq!(link(0), link(299));
        assert_ne!(link(299), link(300));
    }

    #[test]
    fn a_link_outlives_the_change_of_the_secret() {
        let now: DateTime<Utc> = "2026-03-01T10:00:00Z".parse().unwrap();
        let (organization, file) = (OrganizationId::at(now), FileId::at(now));
        let old = FileLinks::new(&"the old secret".into(), "https://crm.example.com");
        let (expires, signature) = parts(&old.link(organization, file, now).url);
        let admits = |secrets: &str| FileLinks::new(&secrets.into(), "").admits(organization, file, expires, &signature, now);
        assert!(admits("the new secret,the old secret"));
        assert!(!admits("the new secret"));
    }
}
