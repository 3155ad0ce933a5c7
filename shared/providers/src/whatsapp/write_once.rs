//! A request body that can be written at most once, and that knows whether it was.
//!
//! What stands below us, read in the sources of reqwest 0.13.5, hyper-util 0.1.21 and hyper 1.12:
//!
//! - reqwest's own retry layer is switched off (`http::client`), and could not copy this body anyway (`try_clone` is `None`).
//! - hyper-util resends a request when its pooled connection was closed before the request was *started* (`retry_canceled_requests`, on
//!   by default, and reqwest gives no way to turn it off). hyper hands a request back only while it still waits in the connection's
//!   queue, that is before its head was encoded and its body asked for. So nothing of it was written, and resending is right: a closed
//!   idle connection costs nothing.
//! - Once hyper has asked the body for its bytes, the request is never handed back: every later failure ends it.
//!
//! The second and third point are made independent of those versions here: the bytes are *moved out* at the first read, so no
//! layer can write them a second time; and [`WriteGate`] decides, in one atomic step, between "the connection took the bytes" and
//! "the request was withdrawn". A request whose body was never taken cannot have been executed: at most its head went out, announcing a
//! body that never followed. That turns a total timeout while waiting for a connection into a definite "not sent".

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Tells whether the connection took the bytes of a request.
#[derive(Debug)]
pub(super) struct WriteGate(Arc<AtomicU8>);

impl WriteGate {
    /// Makes sure that the bytes will not be written from now on. False when the connection has taken them already.
    pub(super) fn withdraw(&self) -> bool {
        match self.0.compare_exchange(WAITING, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(WITHDRAWN) => true,
            Err(_) => false,
        }
    }
}

/// The body; see the module.
pub(super) struct WriteOnceBody {
    bytes: Option<Bytes>,
    state: Arc<AtomicU8>,
}

impl WriteOnceBody {
    pub(super) fn new(bytes: Bytes) -> (Self, WriteGate) {
        let state = Arc::new(AtomicU8::new(WAITING));
        (Self { bytes: Some(bytes), state: Arc::clone(&state) }, WriteGate(state))
    }
}

/// The request was given up before its body was read.
#[derive(Debug, thiserror::Error)]
#[error("the request was withdrawn before it was written")]
pub(super) struct Withdrawn;

impl Body for WriteOnceBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        match self.state.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Err(_) => Poll::Ready(Some(Err(Withdrawn))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(body: &mut WriteOnceBody) -> Option<Result<Bytes, Withdrawn>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())),
            Poll::Pending => panic!("a body in memory is always ready"),
        }
    }

    #[test]
    fn bytes_are_given_out_once() {
        let (mut body, gate) = WriteOnceBody::new(Bytes::from_static(b"hello"));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(poll(&mut body).unwrap().unwrap(), "hello");
        assert!(body.is_end_stream());
        assert!(poll(&mut body).is_none());
        assert!(!gate.withdraw());
    }

    #[test]
    fn a_withdrawn_body_gives_nothing_out() {
        let (mut body, gate) = WriteOnceBody::new(Bytes::from_static(b"hello"));
        assert!(gate.withdraw());
        assert!(gate.withdraw());
        assert!(poll(&mut body).unwrap().is_err());
        assert!(poll(&mut body).is_none());
    }
}
