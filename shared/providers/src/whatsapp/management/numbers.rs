//! Numbers and subscriptions.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Ask, GraphError, List, Success};
use crate::whatsapp::CloudClient;

/// A business number as the provider has it. Fields Meta leaves out or renames are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RemoteNumber {
    /// The `phone_number_id`.
    pub id: String,
    /// The number in its national writing.
    #[serde(default)]
    pub display_phone_number: Option<String>,
    /// Name shown to people.
    #[serde(default)]
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `NA` or `UNKNOWN`.
    #[serde(default)]
    pub quality_rating: Option<String>,
    /// `CONNECTED`, `PENDING`, `BANNED`, …
    #[serde(default)]
    pub status: Option<String>,
    /// `TIER_250` to `TIER_UNLIMITED`.
    #[serde(default, rename = "whatsapp_business_manager_messaging_limit")]
    pub messaging_limit: Option<String>,
    /// Throughput class.
    #[serde(default)]
    pub throughput: Option<Throughput>,
}

/// Throughput class of a number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Throughput {
    /// `STANDARD` (80 messages a second), `HIGH` (1,000) or `NOT_APPLICABLE`.
    pub level: String,
}

const NUMBER_FIELDS: &str =
    "id,display_phone_number,verified_name,quality_rating,status,whatsapp_business_manager_messaging_limit,throughput";

impl CloudClient {
    /// One business number.
    pub async fn phone_number(&self, token: &SecretString, phone_number_id: &str) -> Result<RemoteNumber, GraphError> {
        self.call(token, Ask::new(Method::GET, &[phone_number_id]).query(&[("fields", NUMBER_FIELDS)])).await
    }

    /// The numbers of a WhatsApp account (it has a few dozen at most).
    pub async fn phone_numbers(&self, token: &SecretString, waba_id: &str) -> Result<Vec<RemoteNumber>, GraphError> {
        let query = [("fields", NUMBER_FIELDS), ("limit", "200")];
        let list: List<RemoteNumber> = self.call(token, Ask::new(Method::GET, &[waba_id, "phone_numbers"]).query(&query)).await?;
        Ok(list.data)
    }

    /// Subscribes the token's app to the webhooks of a WhatsApp account.
    pub async fn subscribe_app(&self, token: &SecretString, waba_id: &str) -> Result<(), GraphError> {
        let _: Success = self.call(token, Ask::new(Method::POST, &[waba_id, "subscribed_apps"])).await?;
        Ok(())
    }
}
