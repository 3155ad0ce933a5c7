//! Bodies that do not come: who sends slowly must not hold a place for long.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// How long is waited for a body.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// The whole must have come within the time.
    Whole,
    /// Each part must follow the one before within the time.
    EachPart,
}

/// Whether a body was given up. Shared with the body that it tells of.
#[derive(Clone, Debug, Default)]
pub struct Late(Arc<AtomicBool>);

impl Late {
    /// Whether the body was given up because it did not come.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body that fails when it is not there in time.
#[derive(Debug)]
pub struct Timed {
    body: Body,
    wait: Wait,
    time: Duration,
    since: Instant,
    /// Made at the first wait: most bodies are there at once.
    sleep: Option<Pin<Box<Sleep>>>,
    late: Late,
}

impl Timed {
    /// The same body, given up after `time`.
    pub fn around(body: Body, wait: Wait, time: Duration, late: Late) -> Body {
        Body::new(Self { body, wait, time, since: Instant::now(), sleep: None, late })
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if matches!(self.wait, Wait::EachPart) {
                self.since = Instant::now();
                self.sleep = None;
            }
            return Poll::Ready(frame);
        }
        let end = self.since + self.time;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        std::task::ready!(sleep.as_mut().poll(context));
        self.late.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new("the body did not come in time"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures::{SinkExt, channel::mpsc};

    use super::*;

    /// A body of three parts, and who sends them, each 6 s after the one before.
    fn slow() -> (Body, impl Future<Output = ()>) {
        let (mut parts, body) = mpsc::channel(0);
        let send = async move {
            for part in ["a", "b", "c"] {
                tokio::time::advance(Duration::from_secs(6)).await;
                // Nobody takes it any more once the reader gave up.
                let _ = parts.send(Ok::<_, std::convert::Infallible>(part)).await;
            }
        };
        (Body::from_stream(body), send)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_as_a_whole_or_each_of_its_parts_is_waited_for() {
        for (wait, comes) in [(Wait::Whole, false), (Wait::EachPart, true)] {
            let late = Late::default();
            let (body, send) = slow();
            let (read, ()) = tokio::join!(to_bytes(Timed::around(body, wait, Duration::from_secs(10), late.clone()), 10), send);
            assert_eq!((read.is_ok(), late.is()), (comes, !comes), "{wait:?}");
        }
    }
}
