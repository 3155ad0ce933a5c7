use kernel::{Clock, PageRequest};
use serde_json::{Map, json};

use super::{Change, ContactError, ContactFilter, ContactPatch, NewContact, OptIn, service};
use crate::arranged::Arranged;

const PAGE: PageRequest = PageRequest { limit: 2, after: None };

fn ada() -> NewContact {
    NewContact { phone_number: Some("+49 1512 3456789".into()), name: " Ada ".into(), tags: vec!["vip".into()], ..NewContact::default() }
}

async fn create(app: &Arranged, input: NewContact) -> Result<super::Contact, ContactError> {
    let mut tx = app.begin().await;
    let contact = service::create(&mut tx, &*app.clock, input).await?;
    tx.commit().await.unwrap();
    Ok(contact)
}

async fn patch(app: &Arranged, contact: &super::Contact, patch: ContactPatch) -> Result<super::Contact, ContactError> {
    let mut tx = app.begin().await;
    let contact = service::patch(&mut tx, &*app.clock, contact.id, patch).await?;
    tx.commit().await.unwrap();
    Ok(contact)
}

async fn exceptions(app: &Arranged) -> i64 {
    app.count("select count(*) from contact_exceptions where reason = 'optedOut' and scope = 'all'").await
}

#[tokio::test]
async fn a_contact_is_kept_as_it_was_checked() {
    let app = Arranged::new().await;
    let created = create(&app, ada()).await.unwrap();
    let mut tx = app.begin().await;
    let found = service::get(&mut tx, created.id).await.unwrap();
    assert_eq!(found.phone_number.unwrap().as_e164(), "+4915123456789");
    assert_eq!((found.name.as_str(), found.opt_in, found.created_at), ("Ada", OptIn::Unknown, app.clock.now()));
    let mut foreign = app.db.tenant(app.other).await.unwrap();
    assert!(matches!(service::get(&mut foreign, created.id).await, Err(ContactError::NotFound(_))));
}

#[tokio::test]
async fn every_broken_rule_is_named() {
    let app = Arranged::new().await;
    let input = NewContact {
        phone_number: Some("0151".into()),
        name: "x".repeat(201),
        email: Some("nobody".into()),
        tags: (0..51).map(|n| n.to_string()).collect(),
        attributes: json!({ "a": [1] }).as_object().unwrap().clone(),
        opt_in: None,
        locale: Some("deutsch".into()),
        time_zone: Some("Mars/Olympus".into()),
    };
    let Err(ContactError::Invalid(errors)) = create(&app, input).await else { panic!("it was taken") };
    let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["phoneNumber", "name", "email", "tags", "attributes.a", "locale", "timeZone"]);
    let large: Map<_, _> = [("a".to_owned(), "x".repeat(17_000).into())].into_iter().collect();
    assert!(create(&app, NewContact { attributes: large, ..NewContact::default() }).await.is_err());
}

#[tokio::test]
async fn a_number_belongs_to_one_contact_of_an_organization() {
    let app = Arranged::new().await;
    create(&app, ada()).await.unwrap();
    assert!(matches!(create(&app, ada()).await, Err(ContactError::PhoneNumberTaken)));
    let mut foreign = app.db.tenant(app.other).await.unwrap();
    service::create(&mut foreign, &*app.clock, ada()).await.unwrap();
}

#[tokio::test]
async fn an_opt_out_outlives_the_contact_until_the_person_agrees_again() {
    let app = Arranged::new().await;
    let contact = create(&app, NewContact { opt_in: Some(OptIn::OptedOut), ..ada() }).await.unwrap();
    assert_eq!(exceptions(&app).await, 1);
    let mut tx = app.begin().await;
    service::delete(&mut tx, contact.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(exceptions(&app).await, 1);
    let again = create(&app, ada()).await.unwrap();
    assert_eq!(again.opt_in, OptIn::OptedOut);
    let unknown = ContactPatch { opt_in: Some(OptIn::Unknown), ..ContactPatch::default() };
    assert!(matches!(patch(&app, &again, unknown).await, Err(ContactError::Invalid(_))));
    let agreed = ContactPatch { opt_in: Some(OptIn::OptedIn), ..ContactPatch::default() };
    assert_eq!(patch(&app, &again, agreed).await.unwrap().opt_in, OptIn::OptedIn);
    assert_eq!(exceptions(&app).await, 0);
}

#[tokio::test]
async fn an_opt_out_follows_to_a_new_number() {
    let app = Arranged::new().await;
    let contact = create(&app, NewContact { opt_in: Some(OptIn::OptedOut), ..ada() }).await.unwrap();
    let moved = ContactPatch { phone_number: Change::Set(Some("+4915123456780".into())), ..ContactPatch::default() };
    patch(&app, &contact, moved).await.unwrap();
    assert_eq!(exceptions(&app).await, 2);
}

#[tokio::test]
async fn fields_are_changed_or_emptied_one_by_one() {
    let app = Arranged::new().await;
    let contact = create(&app, NewContact { email: Some("ada@example.com".into()), ..ada() }).await.unwrap();
    let change =
        ContactPatch { email: Change::Set(None), tags: Some(vec!["a".into(), " a ".into(), String::new()]), ..ContactPatch::default() };
    let changed = patch(&app, &contact, change).await.unwrap();
    assert_eq!(changed.email, None);
    assert_eq!(changed.tags, ["a"]);
    assert_eq!(changed.name, "Ada");
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let app = Arranged::new().await;
    for (name, tag) in [("Ada 100%", "x"), ("Bob", "x"), ("Cyd", "y"), ("Dan", "x")] {
        app.clock.advance(chrono::TimeDelta::seconds(1));
        create(&app, NewContact { name: name.into(), tags: vec![tag.into()], ..NewContact::default() }).await.unwrap();
    }
    let mut tx = app.begin().await;
    let tagged = ContactFilter { tag: Some("x".into()), ..ContactFilter::default() };
    let first = service::list(&mut tx, &tagged, PAGE).await.unwrap();
    let names = |page: &kernel::Page<super::Contact>| page.data.iter().map(|contact| contact.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["Dan", "Bob"]);
    let second = service::list(&mut tx, &tagged, PageRequest { after: first.next, ..PAGE }).await.unwrap();
    assert_eq!(names(&second), ["Ada 100%"]);
    assert!(second.next.is_none());
    let text = |text: &str| ContactFilter { text: Some(text.into()), ..ContactFilter::default() };
    assert_eq!(names(&service::list(&mut tx, &text("0%"), PAGE).await.unwrap()), ["Ada 100%"]);
    assert_eq!(names(&service::list(&mut tx, &text("bo"), PAGE).await.unwrap()), ["Bob"]);
    assert_eq!(names(&service::list(&mut tx, &text("_"), PAGE).await.unwrap()), Vec::<String>::new());
}
