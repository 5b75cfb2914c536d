//! Futures that are dropped half way: what they leave behind, and where.

#![cfg(unix)]

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use common::{BANNER, GRANTED, METHOD_NONE, PATIENCE, Unix, config, converse, in_time, poll_once, to};
use socks_tokio::{Config, Listener, Login, Offer, UserPass, connect_over, connect_through};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::yield_now;

/// What comes of `most` polls, each when it is woken, after which the future is dropped.
async fn poll_times<F: Future>(work: F, most: usize) -> Option<F::Output> {
    let (mut work, mut polls) = (pin!(work), 0);
    poll_fn(|cx| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            // Out of turns: without another wait.
            Poll::Pending if polls == most => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A proxy that says its part byte by byte, so that a client has to wait often, and tells when a connection is over.
fn slow() -> (Unix, mpsc::UnboundedReceiver<()>) {
    let (over, ends) = mpsc::unbounded_channel();
    let proxy = Unix::serving(move |mut stream| {
        let over = over.clone();
        async move {
            for message in [METHOD_NONE, GRANTED, BANNER] {
                // A client that goes away is what this is about.
                if message != BANNER && !matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {
                    break;
                }
                for byte in message {
                    let _ = stream.write_all(&[*byte]).await;
                    yield_now().await;
                }
            }
            common::answer(stream, &[b"ping"]).await;
            let _ = over.send(());
        }
    });
    (proxy, ends)
}

#[tokio::test]
async fn a_connect_closes_what_it_had_opened_at_every_await() {
    let (proxy, mut ends) = slow();
    let config = config(&format!("proxy 0.0.0.0/0 {proxy}"));
    let target = to("mail.example:25");
    let before = Handle::current().metrics().num_alive_tasks();
    let connect = || connect_through(config.route(&target), target, PATIENCE);
    let mut polls = 0;
    let mut stream = loop {
        polls += 1;
        let Some(connected) = in_time(poll_times(connect(), polls)).await else {
            // The proxy sees the end of it, and that is all there was.
            in_time(ends.recv()).await.expect("the proxy runs");
            yield_now().await;
            assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
            continue;
        };
        break connected.expect("a stream");
    };
    println!("{polls} polls");
    assert!(polls > 10, "{polls} polls: hardly ever interrupted");
    converse(&mut stream).await;
}

#[tokio::test]
async fn a_connect_that_is_never_polled_opens_nothing() {
    let connections = Arc::new(AtomicUsize::new(0));
    let proxy = Unix::serving({
        let connections = Arc::clone(&connections);
        move |stream| {
            connections.fetch_add(1, Ordering::Relaxed);
            common::answer(stream, &[METHOD_NONE, GRANTED])
        }
    });
    let config = config(&format!("proxy 0.0.0.0/0 {proxy}"));
    let target = to("mail.example:25");
    drop(connect_through(config.route(&target), target, PATIENCE));
    connect_through(config.route(&target), target, PATIENCE).await.expect("a stream");
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_stream_that_was_given_is_dropped_with_the_future() {
    let (ours, mut theirs) = duplex(64);
    assert!(poll_once(connect_over(ours, to("mail.example:25"), Offer::stepwise(Login::None))).await.is_none());
    let mut heard = Vec::new();
    in_time(theirs.read_to_end(&mut heard)).await.expect("the end");
    assert_eq!(heard, [5, 1, 0]);
}

#[tokio::test]
async fn a_stream_that_was_lent_is_where_the_handshake_left_it() {
    let login = || Offer::stepwise(UserPass::new("ann", "s3cret").expect("short enough"));
    // There is room for a part of the login.
    let (mut ours, mut theirs) = duplex(5);
    let untouched = connect_over(&mut ours, to("mail.example:25"), login());
    drop(untouched);
    assert!(poll_once(theirs.read(&mut [0; 1])).await.is_none(), "nothing was said");

    let half_way = async {
        let mut connecting = pin!(connect_over(&mut ours, to("mail.example:25"), login()));
        assert!(poll_once(connecting.as_mut()).await.is_none());
        theirs.read_exact(&mut [0; 3]).await.expect("the greeting");
        theirs.write_all(b"\x05\x02").await.expect("room");
        assert!(poll_once(connecting.as_mut()).await.is_none());
    };
    half_way.await;
    // It is open still, with the first bytes of the login in it, and the application's would follow.
    let mut heard = [0; 5];
    theirs.read_exact(&mut heard).await.expect("a part of it");
    assert_eq!(&heard, b"\x01\x03ann");
    ours.write_all(b"?").await.expect("room");
    theirs.read_exact(&mut heard[..1]).await.expect("a byte");
    assert_eq!(&heard[..1], b"?");
}

#[tokio::test]
async fn waiting_for_a_peer_goes_on_by_reference() {
    let (ours, mut theirs) = duplex(64);
    theirs.write_all(&[METHOD_NONE, GRANTED].concat()).await.expect("room");
    let listener = Listener::bind_over(ours, to("192.0.2.1:20"), Offer::stepwise(Login::None));
    let mut accepting = pin!(listener.await.expect("a listener").accept());
    assert!(poll_once(accepting.as_mut()).await.is_none());
    // One byte of the second reply, and the rest of it after another wait.
    theirs.write_all(&GRANTED[..1]).await.expect("room");
    assert!(poll_once(accepting.as_mut()).await.is_none());
    theirs.write_all(&GRANTED[1..]).await.expect("room");
    let (_, peer) = in_time(accepting).await.expect("a peer");
    assert_eq!(peer.to_string(), "127.0.0.1:1080");
}

#[tokio::test]
async fn a_dropped_wait_for_a_peer_closes_the_connection() {
    let (ours, mut theirs) = duplex(64);
    theirs.write_all(&[METHOD_NONE, GRANTED].concat()).await.expect("room");
    let listener = Listener::bind_over(ours, to("192.0.2.1:20"), Offer::stepwise(Login::None));
    let listener = listener.await.expect("a listener");
    assert!(poll_once(listener.accept_within(PATIENCE)).await.is_none());
    in_time(theirs.read_to_end(&mut Vec::new())).await.expect("the end");
}

#[tokio::test]
async fn a_task_owns_what_it_needs() {
    let proxy = Unix::answering(&[METHOD_NONE, GRANTED]);
    let config: Arc<Config> = Arc::new(config(&format!("proxy 0.0.0.0/0 {proxy}")));
    let target = to("mail.example:25");
    let task = tokio::spawn(async move {
        let route = config.route(&target);
        connect_through(route, target, PATIENCE).await.map(|stream| stream.bound().to_string())
    });
    assert_eq!(task.await.expect("no panic").expect("a stream"), "127.0.0.1:1080");
}
