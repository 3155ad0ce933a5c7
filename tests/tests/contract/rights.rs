//! Every operation as every role and key: it is refused exactly when the right that its description names is missing.

use chrono::TimeDelta;
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::Answer;
use uuid::Uuid;

use super::{
    document::{Operation, operations},
    lists::ANY_MEMBER,
    people::{Caller, Ground, new_key},
    request::{Draft, Records},
};

fn closed() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| !operation.is_open())
}

/// Every role that a member can have without an admin's making one.
const ROLES: [&str; 7] = ["admin", "marketing", "agent", "viewer", "acquisitions", "caller", "investor"];

#[test]
fn every_operation_names_the_right_that_it_needs() {
    let bare: Vec<_> = closed().filter(|operation| operation.permission().is_none()).map(|operation| operation.name()).collect();
    let unlisted: Vec<_> = bare.iter().filter(|name| !ANY_MEMBER.contains(&name.as_str())).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?} name no right");
    let gone: Vec<_> = ANY_MEMBER.iter().filter(|name| !bare.iter().any(|bare| bare == *name)).collect();
    assert!(gone.is_empty(), "{gone:?} are listed as needing no right");
    let doubly: Vec<_> = closed()
        .filter(|operation| operation.permission().is_some() && operation.is_for_persons() && !operation.needs_step_up())
        .map(|operation| operation.name())
        .collect();
    println!(
        "{} operations, of them {} with a right; for persons only with a right: {doubly:?}",
        operations().len(),
        closed().count() - bare.len()
    );
}

#[tokio::test]
async fn an_operation_is_refused_exactly_to_those_without_its_right() {
    let ground = Ground::prepare().await;
    let mut callers = Vec::new();
    for role in ROLES {
        callers.push(Caller::member(format!("a member with the role {role}"), &ground.app.colleague(role).await).await);
    }
    callers.push(custom(&ground, &["contacts.read", "templates.write"]).await);
    let calls = walk(&ground, callers).await;
    println!("{calls} calls by members");
}

#[tokio::test]
async fn a_key_may_what_its_scopes_say() {
    let ground = Ground::prepare().await;
    let admin = &ground.app.admin.client;
    let narrow = ["contacts.read"];
    let me = Caller::member("the admin", &ground.app.admin).await;
    // What a key can hold at most is the API's answer, not ours: the widest that it makes.
    let all: Vec<_> = me.rights.iter().map(String::as_str).filter(|right| *right != "clients.manage").collect();
    let refused = admin.post_json("/api/api-keys", json!({ "name": "too much", "permissions": ["clients.manage"] })).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    let callers = vec![
        Caller::key("a key with one scope", &ground.app, &new_key(admin, &narrow).await.1, &narrow),
        Caller::key("a key with every scope", &ground.app, &new_key(admin, &all).await.1, &all),
    ];
    let calls = walk(&ground, callers).await;
    println!("{calls} calls by keys");
}

#[tokio::test]
async fn a_key_of_another_organization_does_not_see_this_one() {
    let ground = Ground::prepare().await;
    // Here the two change places: the admin's key asks for the stranger's records.
    let rights = ["contacts.read", "campaigns.read", "templates.read", "channels.read", "contacts.write", "campaigns.write"];
    let key = Caller::key("a key of another organization", &ground.app, &new_key(&ground.app.admin.client, &rights).await.1, &rights);
    let (ground, key) = (&ground, &key);
    futures::stream::iter(
        closed().filter(|operation| operation.permission().is_some_and(|right| key.may(right)) && !operation.is_for_persons()),
    )
    .for_each_concurrent(8, |operation| async move {
        let paths: Vec<_> =
            operation.positions().into_iter().filter(|position| matches!(position.place, super::document::Place::Path(_))).collect();
        for position in paths {
            let theirs = &ground.foreign[position.kind.as_str()];
            let draft = Draft::new(&operation, &ground.own).with(&operation, &position, theirs, &ground.own);
            let answer = key.call(&operation, &draft).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}: {}", operation.name(), answer.text());
            ground.untouched(&key.name, &answer, &[theirs]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_signed_in_a_while_ago_must_prove_it_again_where_it_matters() {
    let ground = Ground::prepare().await;
    let admin = Caller::member("the admin", &ground.app.admin).await;
    ground.app.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let mut asked = 0;
    for operation in closed() {
        if operation.needs_step_up() && operation.permission() != Some("clients.manage") {
            let answer = admin.call(&operation, &Draft::new(&operation, &ground.own)).await;
            assert_eq!(slug(&answer), "/problems/step-up-required", "{}: {}", operation.name(), answer.text());
            asked += 1;
        }
    }
    assert!(asked > 0, "no operation asks for it");
}

/// Every operation as each of `callers`; the number of calls.
async fn walk(ground: &Ground, callers: Vec<Caller>) -> usize {
    let calls = callers.len() * closed().count();
    futures::stream::iter(callers)
        .for_each_concurrent(4, |mut caller| async move {
            for operation in closed() {
                let answer = caller.call_signed_in(&operation, &Draft::new(&operation, &nobodys(&ground.own))).await;
                judge(&caller, &operation, &answer);
                ground.untouched(&caller.name, &answer, &[]).await;
            }
        })
        .await;
    calls
}

fn judge(caller: &Caller, operation: &Operation, answer: &Answer) {
    let what = format!("{} as {}: {} {}", operation.name(), caller.name, answer.status, answer.text());
    let may = operation.permission().is_none_or(|right| caller.may(right));
    let barred = caller.key.is_some() && operation.is_for_persons();
    if may && !barred {
        assert!(![StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status), "{what}");
        assert!(!answer.status.is_server_error(), "{what}");
    } else {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        let expected = ["/problems/right-missing", "/problems/person-required", "/problems/step-up-required"];
        assert!(expected.contains(&slug(answer).as_str()), "{what}");
    }
}

fn slug(answer: &Answer) -> String {
    answer.json::<Value>()["type"].as_str().unwrap_or_default().to_owned()
}

/// Ids that nobody has, in place of those of `records`: whoever may call, changes nothing that another caller needs.
fn nobodys(records: &Records) -> Records {
    records.iter().map(|(kind, id)| (*kind, if *kind == "BusinessAccountId" { id.clone() } else { Uuid::now_v7().to_string() })).collect()
}

/// A member with a role that the organization made itself.
async fn custom(ground: &Ground, rights: &[&str]) -> Caller {
    let body = json!({ "name": "Of a test", "permissions": rights });
    let role = ground.app.post_json("/api/roles", body).await.expect(StatusCode::CREATED).json::<Value>();
    let member = ground.app.colleague(role["key"].as_str().expect("a key")).await;
    let caller = Caller::member("a member with a custom role", &member).await;
    let mut had = caller.rights.clone();
    had.sort();
    assert_eq!(had, rights, "the role gives exactly its rights");
    caller
}
