//! Templates of the same name and language that were not made here.

use chrono::TimeDelta;
use kernel::TemplateId;
use serde_json::{Value, json};

use crate::templates::{
    jobs::Submit,
    model::status,
    news::Told,
    tests::{Shop, content, offer_of},
};

impl Shop {
    /// The account has a template of the name that says something else.
    fn made_elsewhere(&self) {
        self.graph.add_template(json!({
            "id": "701", "name": "offer", "language": "en_US", "status": "APPROVED", "category": "MARKETING", "components": offer_of("go elsewhere"),
        }));
    }

    /// All that is known of a template.
    async fn standing(&self, id: TemplateId) -> String {
        format!("{:?}", self.read(id).await)
    }

    /// Everything that a webhook can tell.
    async fn told_everything(&self) {
        for told in [
            Told::Quality { quality: "GREEN".into() },
            Told::CategoryChanged { category: "UTILITY".into() },
            Told::CategoryAnnounced { category: "UTILITY".into(), from: None },
            Told::Content,
            Told::Status { status: "APPROVED".into(), reason: None, details: Value::Null },
            Told::Status { status: "DELETED".into(), reason: None, details: Value::Null },
        ] {
            self.app.clock.advance(TimeDelta::seconds(1));
            self.told(TimeDelta::zero(), told).await;
        }
    }
}

#[tokio::test]
async fn news_of_a_foreign_template_are_nothing_to_one_that_was_refused_for_its_sake() {
    let shop = Shop::new().await;
    shop.made_elsewhere();
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::REJECTED);
    let refused = shop.standing(id).await;
    shop.told_everything().await;
    assert_eq!(shop.standing(id).await, refused);

    // Nor is it taken for ours when other content is submitted.
    shop.replace(id, content(offer_of("have {{2}} off"))).await.unwrap();
    shop.told_everything().await;
    shop.submit(id).await;
    shop.drain().await;
    let again = shop.read(id).await;
    assert_eq!((again.status.as_str(), again.provider_id), (status::REJECTED, None));
    assert_eq!(shop.graph.writes(), (0, 0));
}

#[tokio::test]
async fn a_submission_that_is_under_way_takes_nothing_from_news_but_a_look() {
    let shop = Shop::new().await;
    shop.made_elsewhere();
    let id = shop.create("offer").await;
    shop.submit(id).await;
    let submitting = shop.standing(id).await;
    shop.told_everything().await;
    assert_eq!(shop.standing(id).await, submitting);
    assert_eq!(queue::testing::waiting::<Submit>(&shop.app.database).await.len(), 1);
    // A job that was given up is begun again by the news.
    let mut owner = shop.app.database.owner().await;
    sqlx::query("delete from jobs").execute(&mut owner).await.unwrap();
    shop.told_everything().await;
    assert_eq!(queue::testing::waiting::<Submit>(&shop.app.database).await.len(), 1);
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::REJECTED);
}

#[tokio::test]
async fn a_deletion_of_what_was_never_taken_hears_nothing_of_a_foreign_template() {
    let shop = Shop::new().await;
    shop.made_elsewhere();
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.delete(id).await.unwrap();
    assert_eq!(shop.read(id).await.status, status::DELETING);
    let deleting = shop.standing(id).await;
    shop.told_everything().await;
    assert_eq!(shop.standing(id).await, deleting);
}
