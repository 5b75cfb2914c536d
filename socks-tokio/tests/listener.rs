//! BIND: one connection that comes in at the proxy.

mod common;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use common::{METHOD_NONE, PATIENCE, SHORT, closed, config, scripted};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_proto::ReplyCode;
use socks_tokio::{Config, ConnectError, Error, Listener, Login, Offer, Phase, Socket, Stream, TargetAddr, WireAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

fn peer() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn through(proxy: &Proxy) -> Config {
    config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()))
}

/// Connects to where the listener says, and speaks with whom it accepts.
async fn meet<S: AsyncRead + AsyncWrite + Unpin>(
    at: WireAddr,
    accept: impl Future<Output = Result<(Stream<S>, WireAddr), ConnectError<S>>>,
) -> Stream<S> {
    let mut caller = TcpStream::connect(at.socket_addr().expect("an address")).await.expect("the proxy listens");
    caller.write_all(b"150 here\r\n").await.expect("room");
    let (mut stream, peer) = accept.await.expect("a peer");
    assert_eq!(peer, WireAddr::Ip(caller.local_addr().expect("an address")));
    let mut heard = [0; 10];
    stream.read_exact(&mut heard).await.expect("what came right behind the second reply");
    assert_eq!(&heard, b"150 here\r\n");
    stream.write_all(b"ok").await.expect("room");
    caller.read_exact(&mut heard[..2]).await.expect("an answer");
    assert_eq!(&heard[..2], b"ok");
    stream
}

#[tokio::test]
async fn a_peer_comes_in() {
    let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
    let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
    let stream = meet(listener.bound_addr(), listener.accept()).await;
    let socket = stream.into_inner().expect("no protection").into_tcp().expect("over TCP");
    assert_eq!(socket.peer_addr().expect("a peer"), proxy.addr());
}

#[tokio::test]
async fn the_next_server_where_one_cannot_be_reached() {
    let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
    let config = config(&format!("proxy 0.0.0.0/0 {},{}", closed(), proxy.addr()));
    let listener = Listener::bind(&config, peer()).await.expect("a listener");
    meet(listener.bound_addr(), listener.accept_within(PATIENCE)).await;
}

#[tokio::test]
async fn a_proxy_that_leaves_its_address_open_listens_itself() {
    let proxy = Proxy::start(ProxyConfig { answer_unspecified: true, ..ProxyConfig::default() }).expect("a proxy");
    let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
    assert_eq!(listener.bound_addr().socket_addr().map(|addr| addr.ip()), Some(proxy.addr().ip()));
    meet(listener.bound_addr(), listener.accept()).await;
}

#[tokio::test]
async fn over_a_stream_and_with_a_login() {
    let login = Some(("ann".into(), "s3cret".into()));
    let proxy = Proxy::start(ProxyConfig { login, ..ProxyConfig::default() }).expect("a proxy");
    let stream = TcpStream::connect(proxy.addr()).await.expect("the proxy");
    let login = socks_tokio::UserPass::new("ann", "s3cret").expect("short enough");
    let listener = Listener::bind_over(stream, peer(), Offer::one_round_trip(login)).await.expect("a listener");
    assert_eq!(listener.get_ref().peer_addr().expect("an address"), proxy.addr());
    meet(listener.bound_addr(), listener.accept()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn at_a_proxy_on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy");
    let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
    let _proxy = Proxy::start(proxy).expect("a proxy");
    let config = config(&format!("proxy 0.0.0.0/0 unix:{}", path.display()));
    let listener = Listener::bind(&config, peer()).await.expect("a listener");
    assert!(matches!(listener.get_ref(), Socket::Unix(_)));
    meet(listener.bound_addr(), listener.accept()).await;
}

#[tokio::test]
async fn both_replies_and_the_peers_first_bytes_in_one_segment() {
    let all: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38\x05\x00\x00\x01\xc0\x00\x02\x07\x00\x15hello";
    let proxy = scripted(Vec::leak(vec![METHOD_NONE, all]));
    let listener = Listener::bind(&config(&format!("proxy 0.0.0.0/0 {proxy}")), peer()).await.expect("a listener");
    let (mut stream, peer) = listener.accept_within(PATIENCE).await.expect("a peer");
    assert_eq!(peer.to_string(), "192.0.2.7:21");
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.expect("all of it");
    assert_eq!(&heard, b"hello");
}

#[tokio::test]
async fn a_peer_that_never_comes_ends_with_the_time_for_it() {
    let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
    let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
    let failed = listener.accept_within(SHORT).await.expect_err("nobody comes");
    assert!(matches!(failed.error(), Error::TimedOut { phase: Phase::SecondReply }), "{failed:?}");
    assert_eq!(io::Error::from(failed).kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_proxy_that_gives_up_says_so() {
    let proxy = ProxyConfig { bind_timeout: Some(Duration::from_millis(1)), ..ProxyConfig::default() };
    let proxy = Proxy::start(proxy).expect("a proxy");
    let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
    let (error, stream) = listener.accept().await.expect_err("nobody comes").into_parts();
    let Error::Handshake(socks_proto::Error::Refused { phase: Phase::SecondReply, code }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(code, ReplyCode::TTL_EXPIRED);
    assert_eq!(stream.into_tcp().expect("over TCP").peer_addr().expect("a peer"), proxy.addr());
}

#[tokio::test]
async fn silence_before_the_first_reply_ends_with_the_deadline() {
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
    let error = Listener::bind_through(config.route(peer()), peer(), SHORT).await.expect_err("silence");
    assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
}

#[tokio::test]
async fn a_failure_gives_the_stream_back() {
    let stream = TcpStream::connect(scripted(&[METHOD_NONE, b"\x05\x07"])).await.expect("a peer");
    let ours = stream.local_addr().expect("an address");
    let offer = Offer::stepwise(Login::None);
    let failed = Listener::bind_over(stream, TargetAddr::UNSPECIFIED, offer).await.expect_err("not supported");
    assert!(matches!(failed.error(), Error::Handshake(socks_proto::Error::Refused { .. })), "{failed:?}");
    assert_eq!(failed.into_stream().local_addr().expect("an address"), ours);
}

#[tokio::test]
async fn without_a_proxy_there_is_no_listener() {
    let error = Listener::bind(&Config::default(), peer()).await.expect_err("direct");
    assert!(matches!(error, Error::Direct), "{error:?}");
    let error = Listener::bind(&config("strict"), peer()).await.expect_err("refused");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}
