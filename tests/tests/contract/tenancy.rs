//! What belongs to another organization: in every place where an operation takes an id, it is as if it did not exist.

use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::Value;
use tests::app::Answer;
use uuid::Uuid;

use super::{
    document::{Operation, Place, Position, Step, operations},
    lists::{CLAIMS, OPEN, REFUSES, TEXTS},
    people::{Caller, Ground},
    request::Draft,
};

/// Requests at once.
const AT_ONCE: usize = 8;

/// Operations that are walked: all but the open ones, which know no organization.
fn closed() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| !operation.is_open())
}

impl Position {
    /// As it is called in messages: `path id`, `body audience.contactIds`.
    fn name(&self) -> String {
        match &self.place {
            Place::Path(name) => format!("path {name}"),
            Place::Query(name) => format!("query {name}"),
            Place::Body(steps) => {
                let fields = steps.iter().filter_map(|step| match step {
                    Step::Field(field) => Some(field.as_str()),
                    Step::Item => None,
                });
                format!("body {}", fields.collect::<Vec<_>>().join("."))
            }
        }
    }
}

/// What an answer says, but for its own name and for `id`, which the request named.
fn verdict(answer: &Answer, id: &str) -> (StatusCode, Value) {
    let mut body: Value = serde_json::from_str(&answer.text().replace(id, "the id")).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("requestId");
    }
    (answer.status, body)
}

/// An id of this kind that nobody has.
fn nobodys(kind: &str) -> String {
    match kind {
        "BusinessAccountId" | "PhoneNumberId" => rand::random_range(10_u64.pow(14)..10_u64.pow(15)).to_string(),
        _ => Uuid::now_v7().to_string(),
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    let ground = Ground::prepare().await;
    let admin = Caller::member("the admin", &ground.app.admin).await;
    let super_admin = super_admin(&ground).await;
    let mut places = 0;
    for operation in closed() {
        places += operation.positions().len();
    }
    // Who claims a number or an account of the provider may use the claim afterwards, so that claims come last.
    for claims in [false, true] {
        futures::stream::iter(closed().filter(|operation| CLAIMS.contains(&operation.name().as_str()) == claims))
            .for_each_concurrent(AT_ONCE, |operation| {
                let (ground, caller) = (&ground, if operation.permission() == Some("clients.manage") { &super_admin } else { &admin });
                async move {
                    for position in operation.positions() {
                        // No organization is another's for those who manage them all.
                        if operation.permission() == Some("clients.manage") && position.kind == "OrganizationId" {
                            nobodys_is_absent(ground, caller, &operation, &position).await;
                        } else {
                            foreign_is_absent(ground, caller, &operation, &position).await;
                        }
                    }
                }
            })
            .await;
    }
    println!("{} operations, {places} places for ids", closed().count());
}

async fn foreign_is_absent(ground: &Ground, caller: &Caller, operation: &Operation, position: &Position) {
    let what = format!("{}, {}", operation.name(), position.name());
    let provider = matches!(position.kind.as_str(), "BusinessAccountId" | "PhoneNumberId");
    let text = TEXTS.iter().find(|(text, _)| *text == position.kind);
    let kind = if provider { "BusinessAccountId" } else { text.map_or(position.kind.as_str(), |(_, kind)| kind) };
    let theirs = ground.foreign.get(kind).unwrap_or_else(|| panic!("{what}: no {kind} of another organization is made for it"));
    // Built once, so that two requests differ in nothing but the id.
    let draft = Draft::new(operation, &ground.own);
    let foreign = caller.call(operation, &draft.clone().with(operation, position, theirs, &ground.own)).await;
    ground.untouched(&caller.name, &foreign, &[theirs]).await;
    let nobodys = nobodys(kind);
    let absent = caller.call(operation, &draft.with(operation, position, &nobodys, &ground.own)).await;
    if provider {
        // Claims of the provider's ids are taken. But again: both alike.
        assert_eq!(foreign.status.is_success(), absent.status.is_success(), "{what}: {} and {}", foreign.text(), absent.text());
        return;
    }
    assert_eq!(verdict(&foreign, theirs), verdict(&absent, &nobodys), "{what}: {} and {}", foreign.text(), absent.text());
    match position.place {
        Place::Path(_) => assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{what}: {}", foreign.text()),
        Place::Query(_) => assert!(foreign.status.is_success() || foreign.status == StatusCode::NOT_FOUND, "{what}: {}", foreign.text()),
        Place::Body(_) => assert!(
            foreign.status == StatusCode::NOT_FOUND
                || foreign.status.is_client_error()
                    && operation.documents(foreign.status.as_u16())
                    && foreign.status != StatusCode::FORBIDDEN,
            "{what}: {} {}",
            foreign.status,
            foreign.text()
        ),
    }
}

async fn nobodys_is_absent(ground: &Ground, caller: &Caller, operation: &Operation, position: &Position) {
    let draft = Draft::new(operation, &ground.own).with(operation, position, &nobodys(&position.kind), &ground.own);
    let answer = caller.call(operation, &draft).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}: {}", operation.name(), answer.text());
}

#[tokio::test]
async fn a_malformed_id_is_told_as_such() {
    let ground = Ground::prepare().await;
    let admin = Caller::member("the admin", &ground.app.admin).await;
    let super_admin = super_admin(&ground).await;
    futures::stream::iter(closed())
        .for_each_concurrent(AT_ONCE, |operation| {
            let (ground, caller) = (&ground, if operation.permission() == Some("clients.manage") { &super_admin } else { &admin });
            async move {
                for position in operation.positions().into_iter().filter(|position| !TEXTS.iter().any(|(text, _)| *text == position.kind)) {
                    let draft = Draft::new(&operation, &ground.own).with(&operation, &position, "not-an-id", &ground.own);
                    let answer = caller.call(&operation, &draft).await;
                    let what = format!("{}, {}", operation.name(), position.name());
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.text());
                    ground.untouched(&caller.name, &answer, &[]).await;
                }
            }
        })
        .await;
}

/// The walks above prove something only if the requests are in good order but for the id.
#[tokio::test]
async fn a_request_in_good_order_is_taken() {
    let ground = Ground::prepare().await;
    let mut admin = Caller::member("the admin", &ground.app.admin).await;
    let mut super_admin = super_admin(&ground).await;
    let mut owner = ground.app.database.owner().await;
    let mut refused = Vec::new();
    for operation in closed() {
        let own = ground.fresh_records(&mut owner).await;
        let caller = if operation.permission() == Some("clients.manage") { &mut super_admin } else { &mut admin };
        let answer = caller.call_signed_in(&operation, &Draft::new(&operation, &own)).await;
        // Who manages all organizations sees them all.
        if operation.permission() == Some("clients.manage") {
            ground.unchanged(&caller.name, &answer).await;
        } else {
            ground.untouched(&caller.name, &answer, &[]).await;
        }
        let listed = REFUSES.iter().any(|(name, status)| *name == operation.name() && *status == answer.status.as_u16());
        if !(answer.status.is_success() || answer.status == StatusCode::CONFLICT || listed) {
            refused.push(format!("{}: {} {}", operation.name(), answer.status, answer.text()));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn what_is_open_is_listed() {
    let open: Vec<_> = operations().iter().filter(|operation| operation.is_open()).map(Operation::name).collect();
    let unlisted: Vec<_> = open.iter().filter(|name| !OPEN.contains(&name.as_str())).collect();
    assert!(unlisted.is_empty(), "{unlisted:?} can be called by anybody");
    let gone: Vec<_> = OPEN.iter().filter(|name| !open.iter().any(|open| open == *name)).collect();
    assert!(gone.is_empty(), "{gone:?} are listed as open, and are not");
}

/// A member whom the installation trusts with all organizations.
async fn super_admin(ground: &Ground) -> Caller {
    let member = ground.app.anybody().register().await;
    sqlx::query("update users set super_admin = true where id = $1")
        .bind(member.user.uuid())
        .execute(&mut ground.app.database.owner().await)
        .await
        .expect("the member is trusted");
    Caller::member("the super-admin", &member).await
}
