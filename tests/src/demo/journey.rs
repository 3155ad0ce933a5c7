//! The steps of the demo, in the order a new customer takes them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    DemoOptions,
    client::{Api, text},
    ledger,
    people::{self, people},
    progress::{Figures, Progress},
    state::State,
};

/// Longest life of a demo campaign.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long late statuses are waited for before the figures are printed.
const STATUSES: Duration = Duration::from_secs(30);

/// Runs the whole demo.
///
/// # Errors
/// When a step is refused, or when the provider's ledger does not show exactly one message for each person.
pub async fn run(options: &DemoOptions) -> anyhow::Result<()> {
    if options.recipients == 0 || options.recipients > people::MAX {
        bail!("the demo can write to 1 to {} people", people::MAX);
    }
    let mut state = State::load(&options.state)?;
    let mut api = Api::new(&options.api)?;
    sign_in(&mut api, &mut state).await.context("cannot sign in to the demo tenant")?;
    state.runs += 1;
    state.save(&options.state)?;
    let channel = channel(&api, &mut state, options).await.context("cannot connect the demo number")?;
    let template = template(&api, &mut state, &channel).await.context("cannot get a template approved")?;
    state.save(&options.state)?;

    // The file of the last run may be lost while the contacts are not, so the tag is random.
    let tag = format!("demo-{:08x}", rand::random::<u32>());
    let numbers = import(&api, state.runs, options.recipients, &tag).await.context("cannot import the contacts")?;
    let campaign = campaign(&api, &channel, &template, &tag).await.context("cannot launch the campaign")?;
    let (figures, rate) = follow(&api, &campaign, options.recipients).await?;
    let verdict =
        ledger::verify(&Api::new(&options.simulator)?, campaign.parse()?, &numbers).await.context("cannot read the provider's ledger")?;

    println!();
    println!("  {figures}");
    println!("  {rate:.0} messages per second");
    println!(
        "  provider's ledger: {} messages for {} people, {} missing, {} more than once",
        verdict.messages,
        numbers.len(),
        verdict.missing,
        verdict.more_than_once
    );
    println!();
    println!("  API        {}", options.api);
    println!("  Simulator  {}", options.simulator);
    println!("  Login      {}  {}", state.email, state.password);
    println!();
    if !verdict.is_exactly_one_each() {
        bail!("not everybody got exactly one message: {verdict:?}");
    }
    if figures.accepted != figures.audience || figures.audience != numbers.len() as u64 {
        bail!("not everybody was counted as accepted: {figures:?}");
    }
    if figures.delivered < figures.accepted {
        bail!("the provider's statuses were not all applied within {} s: {figures}", STATUSES.as_secs());
    }
    Ok(())
}

async fn sign_in(api: &mut Api, state: &mut State) -> anyhow::Result<()> {
    let login = json!({ "email": state.email, "password": state.password });
    let (status, body) = api.try_post("/api/auth/login", &login).await?;
    if status.is_success() {
        api.sign_in(text(&body, "/accessToken")?);
        return Ok(());
    }
    for _ in 0..2 {
        let registration = json!({
            "firstName": "Demo",
            "lastName": "Owner",
            "businessName": "Demo Bakery",
            "email": state.email,
            "phoneNumber": "+12025550100",
            "password": state.password,
            "confirmPassword": state.password,
            "agreeToTerms": true,
        });
        let (status, body) = api.try_post("/api/auth/register", &registration).await?;
        if status == StatusCode::CREATED {
            api.sign_in(text(&body, "/accessToken")?);
            // A new tenant has neither number nor template.
            (state.channel_id, state.template_id) = (None, None);
            return Ok(());
        }
        if status != StatusCode::CONFLICT {
            bail!("the registration was answered {status}: {body}");
        }
        state.rename();
    }
    bail!("no free e-mail address was found")
}

async fn channel(api: &Api, state: &mut State, options: &DemoOptions) -> anyhow::Result<String> {
    let id = if let Some(id) = &state.channel_id {
        id.clone()
    } else {
        let channel = json!({
            "kind": "cloudApi",
            "displayName": "Demo number",
            "phoneNumberId": state.phone_number_id,
            "businessAccountId": state.business_account_id,
            "accessToken": format!("demo-token-{}", state.phone_number_id),
            "messagesPerSecond": options.messages_per_second,
        });
        let created = api.post("/api/whatsapp/channels", &channel).await?;
        text(&created, "/id")?.to_owned()
    };
    let connected =
        api.poll(&format!("/api/whatsapp/channels/{id}"), Duration::from_secs(30), |channel| channel["state"] != "connecting").await?;
    if connected["state"] != "connected" {
        bail!("the number was not connected: {connected}");
    }
    state.channel_id = Some(id.clone());
    Ok(id)
}

async fn template(api: &Api, state: &mut State, channel: &str) -> anyhow::Result<String> {
    if let Some(id) = &state.template_id {
        let template = api.get(&format!("/api/templates/{id}")).await?;
        if template["status"] == "APPROVED" {
            return Ok(id.clone());
        }
    }
    let template = json!({
        "channelId": channel,
        "name": format!("demo_offer_{}", state.runs),
        "language": "en_US",
        "category": "MARKETING",
        "parameterFormat": "POSITIONAL",
        "components": [
            {
                "type": "BODY",
                "text": "Hello {{1}}, this week all bread is {{2}} off. See you at the bakery!",
                "example": { "body_text": [["Ada", "20%"]] },
            },
            { "type": "FOOTER", "text": "Reply STOP to hear no more from us" },
        ],
    });
    let created = api.post("/api/templates", &template).await?;
    let id = text(&created, "/id")?.to_owned();
    api.post(&format!("/api/templates/{id}/submit"), &Value::Null).await?;
    let decided = |template: &Value| !["DRAFT", "SUBMITTING", "PENDING"].contains(&template["status"].as_str().unwrap_or_default());
    let reviewed = api.poll(&format!("/api/templates/{id}"), Duration::from_mins(1), decided).await?;
    if reviewed["status"] != "APPROVED" {
        bail!("the template was not approved: {reviewed}");
    }
    state.template_id = Some(id.clone());
    Ok(id)
}

/// Imports the people of this run and returns their numbers.
async fn import(api: &Api, run: usize, recipients: usize, tag: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["phoneNumber", "name", "tags", "optIn"])?;
    let mut numbers = BTreeSet::new();
    for person in people(run, recipients) {
        file.write_record([person.phone_number.as_str(), &person.name, tag, "optedIn"])?;
        numbers.insert(person.phone_number);
    }
    let file = file.into_inner().map_err(csv::IntoInnerError::into_error)?;
    let accepted = api.upload("/api/contacts/import", "contacts.csv", file).await?;
    let path = format!("/api/contacts/imports/{}", text(&accepted, "/importId")?);
    let over = |import: &Value| ["completed", "failed"].contains(&import["state"].as_str().unwrap_or_default());
    let import = api.poll(&path, Duration::from_mins(1), over).await?;
    if import["state"] != "completed" || import["rejected"] != 0 {
        bail!("the import went wrong: {import}");
    }
    Ok(numbers)
}

async fn campaign(api: &Api, channel: &str, template: &str, tag: &str) -> anyhow::Result<String> {
    let campaign = json!({
        "name": format!("Demo offer ({tag})"),
        "channelId": channel,
        "templateId": template,
        "audience": { "tags": [tag] },
        "variables": { "1": { "field": "name", "fallback": "there" }, "2": { "value": "20%" } },
    });
    let created = api.post("/api/campaigns", &campaign).await?;
    let id = text(&created, "/id")?.to_owned();
    Uuid::parse_str(&id).context("the campaign's id is no UUID")?;
    api.post(&format!("/api/campaigns/{id}/send"), &Value::Null).await?;
    Ok(id)
}

/// Shows the campaign until it has ended and its statuses are in. Returns the last figures and the messages per second.
async fn follow(api: &Api, id: &str, recipients: usize) -> anyhow::Result<(Figures, f64)> {
    eprintln!();
    eprintln!("  a campaign to {recipients} people");
    let mut progress = Progress::start(recipients as u64);
    let launched = Instant::now();
    let mut completed = None::<Instant>;
    loop {
        let campaign = api.get(&format!("/api/campaigns/{id}")).await?;
        let state = text(&campaign, "/state")?;
        let figures = Figures::of(&api.get(&format!("/api/campaigns/{id}/analytics")).await?);
        progress.show(figures, state);
        match state {
            "completed" | "completedWithErrors" => {
                let since = *completed.get_or_insert_with(Instant::now);
                if figures.delivered + figures.failed >= figures.accepted || since.elapsed() > STATUSES {
                    progress.finish();
                    return Ok((figures, progress.rate(figures)));
                }
            }
            "paused" | "cancelled" | "failed" | "expired" => bail!("the campaign is {state}: {campaign}"),
            _ if launched.elapsed() > PATIENCE => bail!("the campaign is still {state} after {} s: {figures}", PATIENCE.as_secs()),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}
