//! Waiting for what happens in other processes, which cannot tell: looking again and again until it is there.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::time::MissedTickBehavior;

/// Time between two looks.
const BETWEEN: Duration = Duration::from_millis(20);

/// What one look found.
#[derive(Debug)]
pub enum Look<T> {
    /// It is there.
    There(T),
    /// It is not; with what is to be said if patience ends now.
    NotYet(String),
}

impl<T> Look<T> {
    /// There when it succeeded: for servers that do not answer yet.
    pub fn at<E: std::fmt::Debug>(result: Result<T, E>) -> Self {
        result.map_or_else(|error| Self::NotYet(format!("{error:?}")), Self::There)
    }
}

/// Looks until it is there.
///
/// # Errors
/// What `look` fails with, at once; after `patience`, what the last look said.
pub async fn until<T>(patience: Duration, mut look: impl AsyncFnMut() -> anyhow::Result<Look<T>>) -> anyhow::Result<T> {
    let begun = Instant::now();
    let mut looks = tokio::time::interval(BETWEEN);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match look().await? {
            Look::There(found) => return Ok(found),
            Look::NotYet(said) if begun.elapsed() > patience => return Err(anyhow!("not within {} s: {said}", patience.as_secs())),
            Look::NotYet(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[tokio::test]
    async fn it_is_looked_for_until_it_is_there_or_patience_or_hope_ends() {
        let mut looks = 0;
        let third = async || {
            looks += 1;
            Ok(if looks == 3 { Look::There(looks) } else { Look::NotYet("too few".into()) })
        };
        assert_eq!(until(Duration::from_secs(10), third).await.expect("the third"), 3);
        let never = until::<()>(Duration::ZERO, async || Ok(Look::NotYet("absent".into()))).await;
        assert!(never.expect_err("patience ended").to_string().contains("absent"));
        let lost = until::<()>(Duration::from_secs(10), async || bail!("gone")).await;
        assert_eq!(lost.expect_err("hope ended").to_string(), "gone");
    }
}
