//! How often somebody may ask.

use serde::Deserialize;

/// Request limits of the api. Who is asked about: the API key or the user where one is proved, otherwise the client's address (of IPv6 the /64
/// network). Counted in Redis for all processes together; without it each process counts for itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Registrations per hour and address. Default 20.
    pub registrations_per_hour: u32,
    /// Attempts to prove who one is (sign in, second step, step up) per minute and address. Default 20.
    pub logins_per_minute: u32,
    /// Requests for a link that resets a password, and uses of one, per hour and address. Default 20.
    pub password_resets_per_hour: u32,
    /// Requests for a link that resets a password, per hour and e-mail address, whoever asks. Default 5.
    pub password_resets_per_email_per_hour: u32,
    /// Invitations, also those that are sent again, per hour and organization, whoever asks. Default 100.
    pub invitations_per_hour: u32,
    /// Requests that only read, per second. Default 50.
    pub requests_per_second: u32,
    /// Requests that change something, per minute. Default 600.
    pub writes_per_minute: u32,
    /// Uploads of files, per hour. Default 200.
    pub uploads_per_hour: u32,
    /// Exports, per hour. Default 60.
    pub exports_per_hour: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            registrations_per_hour: 20,
            logins_per_minute: 20,
            password_resets_per_hour: 20,
            password_resets_per_email_per_hour: 5,
            invitations_per_hour: 100,
            requests_per_second: 50,
            writes_per_minute: 600,
            uploads_per_hour: 200,
            exports_per_hour: 60,
        }
    }
}
