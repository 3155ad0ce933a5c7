//! What a customer does over HTTP, from registering to a campaign's end.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, bail};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    demo::client::{Api, text},
    processes::Stack,
};

/// How long a step before the launch may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Area codes of the United States; the numbers 555-0000 to 555-9999 of each are used.
const AREA_CODES: [u16; 12] = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214];
const PER_AREA: usize = 10_000;

/// A registered company with a connected number and an approved template.
#[derive(Debug)]
pub struct Tenant {
    pub(super) api: Api,
    /// The provider's id of its number.
    pub phone_number_id: String,
    pub(super) channel: String,
    pub(super) template: String,
    /// People imported so far, over all its campaigns.
    imported: usize,
    /// Where its people's numbers begin, so that tenants do not share people.
    first_person: usize,
}

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Launch {
    /// How many people.
    pub recipients: usize,
    /// What happens to messages of unknown outcome.
    pub unknown_policy: &'static str,
}

impl Launch {
    /// A campaign to so many people, under the default policy.
    pub fn to(recipients: usize) -> Self {
        Self { recipients, unknown_policy: "giveUp" }
    }
}

/// A launched campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: Uuid,
    /// Whom it is for, E.164.
    pub numbers: BTreeSet<String>,
}

impl Tenant {
    /// Registers a company, connects a number of `messages_per_second`, and gets a template approved.
    ///
    /// # Errors
    /// When a step is refused.
    pub async fn settle(stack: &Stack, messages_per_second: u32) -> anyhow::Result<Self> {
        let mut api = Api::new(&stack.api_url())?;
        let mark: u32 = rand::random();
        let password = "correct horse battery";
        let registration = json!({
            "firstName": "Chaos",
            "lastName": "Owner",
            "businessName": format!("Bakery {mark:08x}"),
            "email": format!("owner-{mark:08x}@example.com"),
            "phoneNumber": "+12025550100",
            "password": password,
            "confirmPassword": password,
            "agreeToTerms": true,
        });
        let (status, body) = api.try_post("/api/auth/register", &registration).await?;
        if status != StatusCode::CREATED {
            bail!("the registration was answered {status}: {body}");
        }
        api.sign_in(text(&body, "/accessToken")?);
        let phone_number_id = format!("1{:014}", u64::from(mark));
        let channel = connect(&api, &phone_number_id, mark, messages_per_second).await.context("cannot connect a number")?;
        let template = template(&api, &channel).await.context("cannot get a template approved")?;
        // Every tenant has people of its own, as long as there are few tenants.
        let first_person = usize::try_from(mark).unwrap_or(0) % (AREA_CODES.len() * PER_AREA);
        Ok(Self { api, phone_number_id, channel, template, imported: 0, first_person })
    }

    /// Imports people and launches a campaign to them. Done when the launch is answered.
    ///
    /// # Errors
    /// When a step is refused.
    pub async fn launch(&mut self, launch: Launch) -> anyhow::Result<Campaign> {
        let (tag, numbers) = self.import(launch.recipients).await.context("cannot import the contacts")?;
        let campaign = json!({
            "name": format!("Offer ({tag})"),
            "channelId": self.channel,
            "templateId": self.template,
            "audience": { "tags": [tag] },
            "variables": { "1": { "field": "name", "fallback": "there" }, "2": { "value": "20%" } },
            "unknownPolicy": launch.unknown_policy,
        });
        let created = self.api.post("/api/campaigns", &campaign).await?;
        let id = Uuid::parse_str(text(&created, "/id")?).context("the campaign's id is no UUID")?;
        self.act(id, "send").await?;
        Ok(Campaign { id, numbers })
    }

    /// `send`, `pause`, `resume` or `cancel`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn act(&self, campaign: Uuid, action: &str) -> anyhow::Result<()> {
        self.api.post(&format!("/api/campaigns/{campaign}/{action}"), &Value::Null).await.map(drop)
    }

    /// `GET …/analytics`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn analytics(&self, campaign: Uuid) -> anyhow::Result<Value> {
        self.api.get(&format!("/api/campaigns/{campaign}/analytics")).await
    }

    /// Asks for the analytics until `done` says so.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait(&self, campaign: Uuid, patience: Duration, done: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.api.poll(&format!("/api/campaigns/{campaign}/analytics"), patience, done).await
    }

    /// Waits until the campaign has ended by itself.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait_for_the_end(&self, campaign: Uuid, patience: Duration) -> anyhow::Result<Value> {
        let over =
            |figures: &Value| ["completed", "completedWithErrors", "cancelled", "failed"].iter().any(|state| figures["state"] == *state);
        self.wait(campaign, patience, over).await
    }

    async fn import(&mut self, count: usize) -> anyhow::Result<(String, BTreeSet<String>)> {
        let tag = format!("chaos-{:08x}", rand::random::<u32>());
        let mut file = csv::Writer::from_writer(Vec::new());
        file.write_record(["phoneNumber", "name", "tags", "optIn"])?;
        let mut numbers = BTreeSet::new();
        for offset in 0..count {
            let number = phone_number(self.first_person + self.imported + offset);
            file.write_record([&number, &format!("Person {offset}"), tag.as_str(), "optedIn"])?;
            numbers.insert(number);
        }
        self.imported += count;
        let file = file.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let accepted = self.api.upload("/api/contacts/import", "contacts.csv", file).await?;
        let path = format!("/api/contacts/imports/{}", text(&accepted, "/importId")?);
        let over = |import: &Value| ["completed", "failed"].contains(&import["state"].as_str().unwrap_or_default());
        let import = self.api.poll(&path, PATIENCE, over).await?;
        if import["state"] != "completed" || import["rejected"] != 0 {
            bail!("the import went wrong: {import}");
        }
        Ok((tag, numbers))
    }
}

async fn connect(api: &Api, phone_number_id: &str, mark: u32, messages_per_second: u32) -> anyhow::Result<String> {
    let channel = json!({
        "kind": "cloudApi",
        "displayName": "Chaos number",
        "phoneNumberId": phone_number_id,
        "businessAccountId": format!("2{:014}", u64::from(mark)),
        "accessToken": format!("chaos-token-{mark:08x}"),
        "messagesPerSecond": messages_per_second,
    });
    let created = api.post("/api/whatsapp/channels", &channel).await?;
    let id = text(&created, "/id")?.to_owned();
    let connected = api.poll(&format!("/api/whatsapp/channels/{id}"), PATIENCE, |channel| channel["state"] != "connecting").await?;
    if connected["state"] != "connected" {
        bail!("the number was not connected: {connected}");
    }
    Ok(id)
}

async fn template(api: &Api, channel: &str) -> anyhow::Result<String> {
    let template = json!({
        "channelId": channel,
        "name": "chaos_offer",
        "language": "en_US",
        "category": "MARKETING",
        "parameterFormat": "POSITIONAL",
        "components": [{
            "type": "BODY",
            "text": "Hello {{1}}, this week all bread is {{2}} off. See you at the bakery!",
            "example": { "body_text": [["Ada", "20%"]] },
        }],
    });
    let created = api.post("/api/templates", &template).await?;
    let id = text(&created, "/id")?.to_owned();
    api.post(&format!("/api/templates/{id}/submit"), &Value::Null).await?;
    let decided = |template: &Value| !["DRAFT", "SUBMITTING", "PENDING"].contains(&template["status"].as_str().unwrap_or_default());
    let reviewed = api.poll(&format!("/api/templates/{id}"), PATIENCE, decided).await?;
    if reviewed["status"] != "APPROVED" {
        bail!("the template was not approved: {reviewed}");
    }
    Ok(id)
}

fn phone_number(person: usize) -> String {
    let person = person % (AREA_CODES.len() * PER_AREA);
    format!("+1{}555{:04}", AREA_CODES[person / PER_AREA], person % PER_AREA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_valid_number_of_their_own() {
        let numbers: BTreeSet<String> = (0..AREA_CODES.len() * PER_AREA).step_by(37).map(phone_number).collect();
        assert_eq!(numbers.len(), (AREA_CODES.len() * PER_AREA).div_ceil(37));
        for number in numbers {
            assert!(kernel::PhoneNumber::parse(&number).is_ok_and(|parsed| parsed.as_e164() == number), "{number}");
        }
    }
}
