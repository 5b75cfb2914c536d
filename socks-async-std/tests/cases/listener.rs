//! BIND: one connection that comes in at the proxy.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks_async_std::{Config, Error, Listener, Login, Offer, Phase, Socket, Stream, TargetAddr, WireAddr};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_proto::ReplyCode;

use crate::common::{METHOD_NONE, PATIENCE, SHORT, closed, config, dial, local_addr, peer_addr, scripted, soon};
use crate::run;

fn peer() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn through(proxy: &Proxy) -> Config {
    config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()))
}

/// Connects to where the listener says, and speaks with whom it accepts.
async fn meet<S: AsyncRead + AsyncWrite + Unpin>(
    at: WireAddr,
    accept: impl AsyncFnOnce() -> (Stream<S>, WireAddr),
) -> Stream<S> {
    let mut caller = dial(at.socket_addr().expect("an address")).await;
    caller.write_all(b"150 here\r\n").await.expect("room");
    let (mut stream, peer) = soon(accept()).await;
    assert_eq!(peer, WireAddr::Ip(local_addr(&caller)));
    let mut heard = [0; 10];
    stream.read_exact(&mut heard).await.expect("what came right behind the second reply");
    assert_eq!(&heard, b"150 here\r\n");
    stream.write_all(b"ok").await.expect("room");
    soon(caller.read_exact(&mut heard[..2])).await.expect("an answer");
    assert_eq!(&heard[..2], b"ok");
    stream
}

#[test]
fn a_peer_comes_in() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
        let stream = meet(listener.bound_addr(), async || listener.accept().await.expect("a peer")).await;
        let socket = stream.into_inner().expect("no protection").into_tcp().expect("over TCP");
        assert_eq!(peer_addr(&socket), proxy.addr());
    });
}

#[test]
fn the_next_server_where_one_cannot_be_reached() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let config = config(&format!("proxy 0.0.0.0/0 {},{}", closed(), proxy.addr()));
        let listener = Listener::bind(&config, peer()).await.expect("a listener");
        meet(listener.bound_addr(), async || listener.accept_within(PATIENCE).await.expect("a peer")).await;
    });
}

#[test]
fn a_proxy_that_leaves_its_address_open_listens_itself() {
    run(async {
        let proxy = Proxy::start(ProxyConfig { answer_unspecified: true, ..ProxyConfig::default() }).expect("a proxy");
        let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
        assert_eq!(listener.bound_addr().socket_addr().map(|addr| addr.ip()), Some(proxy.addr().ip()));
        meet(listener.bound_addr(), async || listener.accept().await.expect("a peer")).await;
    });
}

#[test]
fn over_a_stream_and_with_a_login() {
    run(async {
        let login = Some(("ann".into(), "s3cret".into()));
        let proxy = Proxy::start(ProxyConfig { login, ..ProxyConfig::default() }).expect("a proxy");
        let stream = dial(proxy.addr()).await;
        let login = socks_async_std::UserPass::new("ann", "s3cret").expect("short enough");
        let listener = Listener::bind_over(stream, peer(), Offer::one_round_trip(login)).await.expect("a listener");
        assert_eq!(peer_addr(listener.get_ref()), proxy.addr());
        meet(listener.bound_addr(), async || listener.accept().await.expect("a peer")).await;
    });
}

#[cfg(unix)]
#[test]
fn at_a_proxy_on_a_unix_socket() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proxy");
        let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
        let _proxy = Proxy::start(proxy).expect("a proxy");
        let config = config(&format!("proxy 0.0.0.0/0 unix:{}", path.display()));
        let listener = Listener::bind(&config, peer()).await.expect("a listener");
        assert!(matches!(listener.get_ref(), Socket::Unix(_)));
        meet(listener.bound_addr(), async || listener.accept().await.expect("a peer")).await;
    });
}

#[test]
fn both_replies_and_the_peers_first_bytes_in_one_segment() {
    run(async {
        let all: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38\x05\x00\x00\x01\xc0\x00\x02\x07\x00\x15hello";
        let proxy = scripted(Vec::leak(vec![METHOD_NONE, all]));
        let listener = Listener::bind(&config(&format!("proxy 0.0.0.0/0 {proxy}")), peer()).await.expect("a listener");
        let (mut stream, peer) = listener.accept_within(PATIENCE).await.expect("a peer");
        assert_eq!(peer.to_string(), "192.0.2.7:21");
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).await.expect("all of it");
        assert_eq!(&heard, b"hello");
    });
}

#[test]
fn a_peer_that_never_comes_ends_with_the_time_for_it() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
        let failed = soon(listener.accept_within(SHORT)).await.expect_err("nobody comes");
        assert!(matches!(failed.error(), Error::TimedOut { phase: Phase::SecondReply }), "{failed:?}");
        assert_eq!(io::Error::from(failed).kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_proxy_that_gives_up_says_so() {
    run(async {
        let proxy = ProxyConfig { bind_timeout: Some(Duration::from_millis(1)), ..ProxyConfig::default() };
        let proxy = Proxy::start(proxy).expect("a proxy");
        let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
        let (error, stream) = soon(listener.accept()).await.expect_err("nobody comes").into_parts();
        let Error::Handshake(socks_proto::Error::Refused { phase: Phase::SecondReply, code }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(code, ReplyCode::TTL_EXPIRED);
        assert_eq!(peer_addr(&stream.into_tcp().expect("over TCP")), proxy.addr());
    });
}

#[test]
fn a_failure_gives_the_stream_back() {
    run(async {
        let stream = dial(scripted(&[METHOD_NONE, b"\x05\x07"])).await;
        let ours = local_addr(&stream);
        let offer = Offer::stepwise(Login::None);
        let failed = Listener::bind_over(stream, TargetAddr::UNSPECIFIED, offer).await.expect_err("not supported");
        assert!(matches!(failed.error(), Error::Handshake(socks_proto::Error::Refused { .. })), "{failed:?}");
        assert_eq!(local_addr(&failed.into_stream()), ours);
    });
}

#[test]
fn without_a_proxy_there_is_no_listener() {
    run(async {
        let error = Listener::bind(&Config::default(), peer()).await.expect_err("direct");
        assert!(matches!(error, Error::Direct), "{error:?}");
        let error = Listener::bind(&config("strict"), peer()).await.expect_err("refused");
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    });
}

#[test]
fn one_may_wait_for_the_peer_and_do_other_things_meanwhile() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let listener = Listener::bind(&through(&proxy), peer()).await.expect("a listener");
        // Given up twice, and nothing is lost.
        for _ in 0..2 {
            assert!(futures_lite::future::poll_once(listener.get_ref().readable()).await.is_none());
        }
        let at = listener.bound_addr();
        meet(at, async || {
            listener.get_ref().readable().await.expect("the peer is here");
            listener.accept().await.expect("a peer")
        })
        .await;
    });
}
