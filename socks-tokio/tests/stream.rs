//! What comes back from a handshake, as a stream.

mod common;

use std::future::poll_fn;
use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;

use common::{GRANTED, METHOD_NONE, in_time, poll_once, target, to};
use socks_conformance::layer::{METHOD, offer, wrapped};
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_tokio::{Login, Offer, Stream, connect_over};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex};
use tokio::net::TcpStream;

async fn tunnel() -> (Proxy, Stream<TcpStream>) {
    let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
    let stream = TcpStream::connect(proxy.addr()).await.expect("the proxy");
    let stream = connect_over(stream, target(), Offer::stepwise(Login::None)).await.expect("a stream");
    (proxy, stream)
}

#[tokio::test]
async fn the_writing_half_closes_alone() {
    let (_proxy, mut stream) = tunnel().await;
    stream.write_all(b"all I have to say").await.expect("room");
    stream.shutdown().await.expect("shut down");
    // The target repeats what it heard, to the end of it.
    let mut heard = String::new();
    in_time(stream.read_to_string(&mut heard)).await.expect("all of it");
    assert_eq!(heard, "220 hello\r\nall I have to say");
}

#[tokio::test]
async fn both_halves_at_once_through_split() {
    let (_proxy, stream) = tunnel().await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let said = vec![0x5a; 1 << 20];
    let write = async {
        let mut said = &said[..];
        copy(&mut said, &mut writer).await.expect("room");
        writer.shutdown().await.expect("shut down");
    };
    let mut heard = Vec::new();
    let (_, read) = in_time(async { tokio::join!(write, reader.read_to_end(&mut heard)) }).await;
    read.expect("all of it");
    assert!(heard[common::BANNER.len()..] == said[..]);
}

#[tokio::test]
async fn several_buffers_leave_in_one_write() {
    let (_proxy, mut stream) = tunnel().await;
    assert!(stream.is_write_vectored());
    let bufs = [IoSlice::new(b"one "), IoSlice::new(b"two")];
    let n = poll_fn(|cx| Pin::new(&mut stream).poll_write_vectored(cx, &bufs)).await.expect("room");
    assert_eq!(n, 7);
}

#[cfg(unix)]
#[tokio::test]
async fn the_descriptor_is_that_of_the_stream_beneath() {
    let (_proxy, stream) = tunnel().await;
    let fd = stream.get_ref().as_raw_fd();
    assert_eq!((stream.as_raw_fd(), stream.as_fd().as_raw_fd()), (fd, fd));
    assert_eq!(stream.into_inner().expect("no protection").as_raw_fd(), fd);
}

/// A stream that keeps what is written to it until it is flushed, as one of TLS may.
#[tokio::test]
async fn what_a_stream_holds_back_is_flushed_before_an_answer_is_waited_for() {
    let buffered = tokio::io::BufStream::new(common::answering(&[METHOD_NONE, GRANTED]));
    let stream = in_time(connect_over(buffered, to("mail.example:25"), Offer::stepwise(Login::None))).await;
    assert_eq!(stream.expect("a stream").bound().to_string(), "127.0.0.1:1080");
}

/// A protected connection whose last message of the handshake is followed by `early` in the same message and `later`
/// behind it, and its other end, with room for so many bytes.
async fn protected(early: &[u8], later: &[u8], room: usize) -> (Stream<DuplexStream>, DuplexStream) {
    let (ours, mut theirs) = duplex(room);
    let mut connecting = Box::pin(connect_over(ours, to("192.0.2.1:80"), offer()));
    assert!(poll_once(connecting.as_mut()).await.is_none());
    let mut said = [0; 3];
    theirs.read_exact(&mut said).await.expect("the greeting");
    assert_eq!(said, [5, 1, METHOD.0]);
    theirs.write_all(&[5, METHOD.0]).await.expect("room");
    assert!(poll_once(connecting.as_mut()).await.is_none());
    let request = wrapped(b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50");
    let mut said = vec![0; request.len()];
    theirs.read_exact(&mut said).await.expect("the request");
    assert_eq!(said, request);
    let reply = [GRANTED, early].concat();
    theirs.write_all(&[wrapped(&reply), later.to_vec()].concat()).await.expect("room");
    (in_time(connecting).await.expect("a stream"), theirs)
}

#[tokio::test]
async fn protected_early_bytes_and_later_ones_come_in_order() {
    let later = [wrapped(b"two "), wrapped(&[b'x'; 300])].concat();
    let (mut stream, theirs) = protected(b"one ", &later, 1024).await;
    drop(theirs);
    let mut heard = String::new();
    in_time(stream.read_to_string(&mut heard)).await.expect("all of it");
    assert_eq!(heard, format!("one two {}", "x".repeat(300)));
}

#[tokio::test]
async fn a_protected_stream_that_ends_within_a_message_is_an_error() {
    let (mut stream, theirs) = protected(b"", &wrapped(b"cut short")[..4], 64).await;
    drop(theirs);
    let error = in_time(stream.read_to_end(&mut Vec::new())).await.expect_err("cut short");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_protected_message_that_does_not_fit_leaves_later_and_once() {
    let (mut stream, mut theirs) = protected(b"", b"", 16).await;
    assert!(!stream.is_write_vectored());
    let said = b"more than there is room for";
    assert_eq!(stream.write(said).await.expect("taken"), said.len());
    assert!(poll_once(stream.write(b"next")).await.is_none());
    let mut heard = vec![0; wrapped(said).len()];
    let (flushed, read) = in_time(async { tokio::join!(stream.flush(), theirs.read_exact(&mut heard)) }).await;
    flushed.expect("room");
    read.expect("all of it");
    assert_eq!(heard, wrapped(said));
}

#[tokio::test]
async fn shutting_down_sends_what_was_protected_before() {
    let (mut stream, mut theirs) = protected(b"", b"", 16).await;
    let said = b"more than there is room for";
    assert_eq!(stream.write(said).await.expect("taken"), said.len());
    let mut heard = Vec::new();
    let (down, read) = in_time(async { tokio::join!(stream.shutdown(), theirs.read_to_end(&mut heard)) }).await;
    down.expect("room");
    read.expect("all of it");
    assert_eq!(heard, wrapped(said));
}

#[tokio::test]
async fn the_stream_beneath_a_protection_is_of_no_use_alone() {
    let (stream, _theirs) = protected(b"", b"", 64).await;
    assert!(stream.is_protected());
    assert_eq!(stream.method(), METHOD);
    assert!(stream.into_inner().is_err());
}
