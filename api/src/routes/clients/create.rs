//! `POST /api/clients`

use axum::http::StatusCode;
use crm::{
    fields::Change,
    identity::permissions::ClientsManage,
    organizations::{ClientPatch, NewAdmin, NewClient, clients},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{ClientBody, activity, staff};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// An organization to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClientInput {
    /// 1 to 200 characters.
    company_name: String,
    /// International form, with `+`.
    whatsapp_number: Option<String>,
    /// Up to 100 characters.
    business_category: Option<String>,
    /// IANA; `UTC` when left out.
    timezone: Option<String>,
    /// Whether its members may sign in and its campaigns may send; true when left out.
    is_active: Option<bool>,
    /// Who is to run it: a mail brings them a link with which they join.
    admin_email: Option<String>,
    /// 1 to 100 characters; needed with `adminEmail`.
    admin_first_name: Option<String>,
    /// Up to 100 characters.
    admin_last_name: Option<String>,
}

/// Makes an organization, and invites who is to run it.
#[utoipa::path(post, path = "/api/clients", tag = "clients", extensions(("x-permission" = json!("clients.manage"))), responses(
    (status = 201, description = "Made", body = ClientBody),
    (status = 409, description = "An account with the admin's e-mail address exists"),
))]
pub(super) async fn handler(
    tenant: Allowed<ClientsManage>,
    Json(input): Json<ClientInput>,
) -> Result<(StatusCode, Json<ClientBody>), Problem> {
    let given = |text: Option<String>| text.map_or(Change::Keep, |text| Change::Set(Some(text)));
    let profile = ClientPatch {
        company_name: Change::Set(Some(input.company_name)),
        whatsapp_number: given(input.whatsapp_number),
        business_category: given(input.business_category),
        timezone: given(input.timezone),
        activity: activity(input.is_active),
    };
    let names_admin = [&input.admin_email, &input.admin_first_name, &input.admin_last_name].into_iter().any(Option::is_some);
    let admin = names_admin.then(|| NewAdmin {
        email: input.admin_email.unwrap_or_default(),
        first_name: input.admin_first_name.unwrap_or_default(),
        last_name: input.admin_last_name.unwrap_or_default(),
    });
    let staff = staff(&tenant)?;
    let state = tenant.state();
    let mut tx = state.db.identity("staff makes a client").await?;
    let client = clients::create(&mut tx, tenant.clock(), state.identity.one_time(), staff, NewClient { profile, admin }).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(client.into())))
}
