use sqlx::{AssertSqlSafe, Connection};

use super::{super::*, Company};
use crate::identity::IdentityError;

impl Company {
    async fn withdraw(&self, user: kernel::UserId) -> Result<(), MemberError> {
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        withdraw(&mut tx, Authority::of_staff(self.arranged.organization), user).await?;
        tx.commit().await.unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn of_a_joining_and_a_withdrawal_at_once_the_first_wins() {
    let company = Company::new().await;
    let staff = Authority::of_staff(company.arranged.organization);
    let (mut owner, mut watcher) = (company.arranged.database.owner().await, company.arranged.database.owner().await);
    // Wherever the two meet, none holds what the other needs.
    for (round, held) in ["users where id", "memberships where user_id"].into_iter().enumerate() {
        let joins = company.invite(staff, &format!("grace{round}@example.com"), "caller").await.unwrap();
        let token = company.token(joins).await;
        let mut hold = owner.begin().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("select from {held} = $1 for update"))).bind(joins).execute(&mut *hold).await.unwrap();
        let (accepted, withdrawn, ()) = tokio::join!(
            company.accept(&token),
            async {
                company.arranged.database.until_blocked(1).await;
                company.withdraw(joins).await
            },
            async {
                company.arranged.database.until_blocked(2).await;
                hold.commit().await.unwrap();
            },
        );
        assert!(accepted.is_ok(), "{held}: {accepted:?}");
        assert!(matches!(withdrawn, Err(MemberError::AlreadyJoined)), "{held}: {withdrawn:?}");
        assert_eq!(company.state(joins).await, MemberState::Active);
    }

    let leaves = company.invite(staff, "joan@example.com", "caller").await.unwrap();
    let token = company.token(leaves).await;
    let mut tx = company.arranged.db.identity("test").await.unwrap();
    withdraw(&mut tx, staff, leaves).await.unwrap();
    let (accepted, ()) = tokio::join!(company.accept(&token), async {
        company.arranged.database.until_blocked(1).await;
        tx.commit().await.unwrap();
    });
    assert!(matches!(accepted, Err(IdentityError::LinkInvalid)), "{accepted:?}");
    let left: i64 = sqlx::query_scalar("select count(*) from users where id = $1").bind(leaves).fetch_one(&mut watcher).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_invitation_that_is_sent_again_while_it_is_withdrawn_goes_with_it() {
    let company = Company::new().await;
    let staff = Authority::of_staff(company.arranged.organization);
    let mut watcher = company.arranged.database.owner().await;
    let user = company.invite(staff, "joan@example.com", "caller").await.unwrap();
    let mut tx = company.arranged.db.identity("test").await.unwrap();
    resend_invitation(&mut tx, company.now(), company.identity.one_time(), staff, user).await.unwrap();
    let (withdrawn, ()) = tokio::join!(company.withdraw(user), async {
        company.arranged.database.until_blocked(1).await;
        tx.commit().await.unwrap();
    });
    withdrawn.unwrap();
    let left: i64 = sqlx::query_scalar("select (select count(*) from users) + (select count(*) from one_time_tokens)")
        .fetch_one(&mut watcher)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
