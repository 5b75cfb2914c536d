//! What comes back: plain, or protected as GSSAPI does it.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::future::poll_once;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks_async_std::{Offer, Stream, TargetAddr, connect_over, connect_through};
use socks_conformance::gss::{ToyContext, wrap};
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_proto::{Auth, Gssapi, MethodId, Protection};

use crate::common::{BANNER, GRANTED, PATIENCE, config, listen, soon, target};
use crate::{run, spawn};

/// Hears all that there is to hear before it answers.
fn patient_target() -> std::net::SocketAddr {
    listen(|mut stream| {
        stream.write_all(BANNER)?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard)?;
        stream.write_all(&heard)
    })
}

#[test]
fn closing_ends_the_way_out_alone() {
    run(async {
        let (proxy, server) = (Proxy::start(ProxyConfig::default()).expect("a proxy"), patient_target());
        for text in [format!("proxy 0.0.0.0/0 {}", proxy.addr()), "noproxy 0.0.0.0/0".into()] {
            let config = config(&text);
            let mut stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
            let (one, two) = (IoSlice::new(b"all"), IoSlice::new(b" of it"));
            assert_eq!(stream.write_vectored(&[one, two]).await.expect("room"), 9);
            stream.flush().await.expect("room");
            stream.close().await.expect("closed");
            let (mut banner, mut heard) = ([0; BANNER.len()], [0; 9]);
            soon(stream.read_exact(&mut banner)).await.expect("the banner");
            let mut into = [IoSliceMut::new(&mut []), IoSliceMut::new(&mut heard[..4])];
            assert_eq!(soon(stream.read_vectored(&mut into)).await.expect("an answer"), 4);
            soon(stream.read_exact(&mut heard[4..])).await.expect("an answer");
            assert_eq!((&banner[..], &heard[..]), (BANNER, &b"all of it"[..]));
            assert_eq!(soon(stream.read(&mut heard)).await.expect("the end"), 0);
        }
    });
}

#[cfg(unix)]
#[test]
fn the_descriptor_is_that_of_the_stream_beneath() {
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    run(async {
        let server = patient_target();
        let config = config("noproxy 0.0.0.0/0");
        let stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
        let number = stream.as_fd().as_raw_fd();
        assert_eq!([stream.as_raw_fd(), stream.get_ref().as_raw_fd()], [number; 2]);
        let socket = stream.into_inner().expect("no protection");
        let mut plain = std::net::TcpStream::from(OwnedFd::try_from(socket).expect("nobody waits for it"));
        assert_eq!(plain.as_raw_fd(), number);
        plain.set_nonblocking(false).expect("a setting");
        plain.read_exact(&mut [0; BANNER.len()]).expect("the banner");
    });
}

/// What the peer says, and how many bytes more are taken before one has to wait; keeps what is written.
#[derive(Default)]
struct Pipe {
    incoming: VecDeque<u8>,
    written: Vec<u8>,
    room: Option<usize>,
    closed: bool,
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.incoming.read(buf))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let n = match &mut self.room {
            None => buf.len(),
            Some(0) => return Poll::Pending,
            Some(room) => {
                let n = buf.len().min(*room);
                *room -= n;
                n
            }
        };
        self.written.extend_from_slice(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closed = true;
        Poll::Ready(Ok(()))
    }
}

/// A message of GSSAPI (RFC 1961) with a token.
fn message(kind: u8, token: &[u8]) -> Vec<u8> {
    let len = u16::try_from(token.len()).expect("a short token").to_be_bytes();
    [&[0x01, kind], &len[..], token].concat()
}

/// A message of GSSAPI that protects these bytes.
fn protected(plain: &[u8]) -> Vec<u8> {
    message(0x03, &wrap(plain, true))
}

/// A connection whose last message of the handshake holds `early` as well and is followed by `later`.
async fn connected(early: &[u8], later: &[u8]) -> Stream<Pipe> {
    let handshake = [
        vec![0x05, 0x01],
        message(0x01, b"server-1"),
        // The strongest protection that there is.
        message(0x02, &wrap(&[0x02], false)),
        protected(&[GRANTED, early].concat()),
    ];
    let incoming = [handshake.concat(), later.to_vec()].concat();
    let gssapi = Gssapi::new(Box::new(ToyContext::new(1)), Protection::Confidentiality);
    let pipe = Pipe { incoming: incoming.into(), ..Pipe::default() };
    let target: TargetAddr = "192.0.2.1:80".parse().expect("a target");
    let mut stream = connect_over(pipe, target, Offer::stepwise(Auth::gssapi(gssapi))).await.expect("a stream");
    assert_eq!((stream.method(), stream.is_protected()), (MethodId::GSSAPI, true));
    stream.get_mut().written.clear();
    stream
}

#[test]
fn early_bytes_and_later_ones_come_in_order() {
    run(async {
        let later = [protected(b"two "), protected(&[b'x'; 300])].concat();
        let mut stream = connected(b"one ", &later).await;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.expect("all of it");
        assert_eq!(heard, format!("one two {}", "x".repeat(300)));
    });
}

#[test]
fn an_end_within_a_message_is_an_error() {
    run(async {
        let mut stream = connected(b"", &protected(b"cut short")[..4]).await;
        let error = stream.read_to_end(&mut Vec::new()).await.expect_err("cut short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_message_that_does_not_fit_leaves_later_and_once() {
    run(async {
        let mut stream = connected(b"", b"").await;
        stream.get_mut().room = Some(2);
        assert_eq!(stream.write(b"hello").await.expect("taken"), 5);
        assert!(poll_once(stream.write(b"world")).await.is_none(), "no room");
        assert!(poll_once(stream.flush()).await.is_none(), "no room");
        assert!(poll_once(stream.close()).await.is_none(), "no room");
        assert!(!stream.get_ref().closed, "there is something to send");
        stream.get_mut().room = None;
        stream.close().await.expect("room");
        assert_eq!(stream.get_ref().written, protected(b"hello"));
        assert!(stream.get_ref().closed);
        assert!(stream.into_inner().is_err(), "the stream beneath is of no use alone");
    });
}

#[test]
fn both_halves_at_once_through_split() {
    run(async {
        let (proxy, server) = (Proxy::start(ProxyConfig::default()).expect("a proxy"), target());
        let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
        let stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
        let (mut reader, mut writer) = futures_lite::io::split(stream);
        let said = vec![0x5a; 1 << 20];
        let expected = [BANNER, &said].concat();
        let writing = spawn(async move {
            writer.write_all(&said).await.expect("room");
            writer.close().await.expect("closed");
        });
        let mut heard = Vec::new();
        soon(reader.read_to_end(&mut heard)).await.expect("all of it");
        soon(writing).await;
        assert!(heard == expected);
    });
}
