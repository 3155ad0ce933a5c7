//! `GET /api/whatsapp/channels`

use crm::{channels::service, identity::permissions::ChannelsRead};

use super::body::ChannelBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging},
    problem::Problem,
};

/// Lists the numbers, newest first.
#[utoipa::path(get, path = "/api/whatsapp/channels", tag = "channels", params(PageParams),
    extensions(("x-permission" = json!("channels.read"))), responses(
    (status = 200, description = "A page of numbers", body = PageBody<ChannelBody>),
))]
pub(super) async fn handler(tenant: Allowed<ChannelsRead>, Paging(page): Paging) -> Result<Json<PageBody<ChannelBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let channels = service::list(&mut tx, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(channels)))
}
