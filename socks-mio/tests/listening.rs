//! BIND: one connection that comes in at the proxy.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{Loop, METHOD_NONE, PATIENCE, SHORT, closed, config, dial, proxy, scripted, through};
use mio::event;
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_mio::{Binding, Config, Error, Listening, Login, Offer, Phase, Socket, TargetAddr, WireAddr};
use socks_proto::ReplyCode;

fn peer() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn bind(by: &mut Loop, config: &Config) -> Listening {
    by.run(Binding::start(config, peer(), Instant::now())).expect("a listener")
}

/// Connects to where the listener says, and speaks with whom it accepts.
fn meet<S: Read + Write + event::Source>(by: &mut Loop, listening: &mut Listening<S>) {
    let at = listening.bound_addr().socket_addr().expect("an address");
    let mut caller = TcpStream::connect(at).expect("the proxy listens");
    caller.set_read_timeout(Some(PATIENCE)).expect("a setting");
    caller.write_all(b"150 here\r\n").expect("room");
    let (mut stream, peer) = by.go_on(listening).expect("a peer");
    assert_eq!(peer, WireAddr::Ip(caller.local_addr().expect("an address")));
    assert_eq!(by.read(&mut stream, 10), b"150 here\r\n");
    stream.write_all(b"ok").expect("room");
    let mut heard = [0; 2];
    caller.read_exact(&mut heard).expect("an answer");
    assert_eq!(&heard, b"ok");
}

#[test]
fn a_peer_comes_in() {
    let (mut by, proxy) = (Loop::new(), proxy(None));
    let mut listening = bind(&mut by, &through(&proxy));
    assert_eq!(listening.deadline(), None);
    meet(&mut by, &mut listening);
}

#[test]
fn the_next_server_where_one_cannot_be_reached() {
    let (mut by, proxy) = (Loop::new(), proxy(None));
    let config = config(&format!("proxy 0.0.0.0/0 {},{}", closed(), proxy.addr()));
    let mut listening = bind(&mut by, &config);
    meet(&mut by, &mut listening);
}

#[test]
fn a_proxy_that_leaves_its_address_open_listens_itself() {
    let proxy = Proxy::start(ProxyConfig { answer_unspecified: true, ..ProxyConfig::default() }).expect("a proxy");
    let mut by = Loop::new();
    let mut listening = bind(&mut by, &through(&proxy));
    assert_eq!(listening.bound_addr().socket_addr().map(|addr| addr.ip()), Some(proxy.addr().ip()));
    meet(&mut by, &mut listening);
}

#[test]
fn over_a_stream_and_with_a_login() {
    let (mut by, proxy) = (Loop::new(), proxy(Some(("ann", "s3cret"))));
    let login = socks_mio::UserPass::new("ann", "s3cret").expect("short enough");
    let binding = Binding::over(dial(proxy.addr()), peer(), Offer::one_round_trip(login));
    let mut listening = by.run(Ok(binding)).expect("a listener");
    assert_eq!(listening.get_ref().map(|stream| stream.peer_addr().expect("an address")), Some(proxy.addr()));
    meet(&mut by, &mut listening);
}

#[cfg(unix)]
#[test]
fn at_a_proxy_on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy");
    let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
    let _proxy = Proxy::start(proxy).expect("a proxy");
    let mut by = Loop::new();
    let mut listening = bind(&mut by, &config(&format!("proxy 0.0.0.0/0 unix:{}", path.display())));
    assert!(matches!(listening.get_ref(), Some(Socket::Unix(_))));
    meet(&mut by, &mut listening);
}

#[test]
fn both_replies_and_the_peers_first_bytes_in_one_segment() {
    let all: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38\x05\x00\x00\x01\xc0\x00\x02\x07\x00\x15hello";
    let (mut by, proxy) = (Loop::new(), scripted(Vec::leak(vec![METHOD_NONE, all])));
    let mut listening = bind(&mut by, &config(&format!("proxy 0.0.0.0/0 {proxy}")));
    // All has come that ever will, and its event is spent: there has to be another one, at each of the two steps.
    by.wait(None);
    let (mut stream, peer) = by.go_on(&mut listening).expect("a peer");
    assert_eq!(peer.to_string(), "192.0.2.7:21");
    by.wait(None);
    assert_eq!(by.read(&mut stream, 5), b"hello");
}

#[test]
fn a_peer_that_never_comes_ends_with_the_time_for_it() {
    let (mut by, proxy) = (Loop::new(), proxy(None));
    let mut listening = bind(&mut by, &through(&proxy)).until(Instant::now() + SHORT);
    let error = by.go_on(&mut listening).expect_err("nobody comes");
    assert!(matches!(error, Error::TimedOut { phase: Phase::SecondReply }), "{error:?}");
    assert!(listening.into_inner().is_some());
}

#[test]
fn a_proxy_that_gives_up_says_so() {
    let proxy = ProxyConfig { bind_timeout: Some(Duration::from_millis(1)), ..ProxyConfig::default() };
    let (mut by, proxy) = (Loop::new(), Proxy::start(proxy).expect("a proxy"));
    let mut listening = bind(&mut by, &through(&proxy));
    let error = by.go_on(&mut listening).expect_err("nobody comes");
    let Error::Handshake(socks_proto::Error::Refused { phase: Phase::SecondReply, code }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(code, ReplyCode::TTL_EXPIRED);
    assert!(listening.bound_addr().is_unspecified());
}

#[test]
fn a_failure_gives_the_stream_back() {
    let mut by = Loop::new();
    let stream = dial(scripted(&[METHOD_NONE, b"\x05\x07"]));
    let ours = stream.local_addr().expect("an address");
    let mut binding = Binding::over(stream, TargetAddr::UNSPECIFIED, Offer::stepwise(Login::None));
    by.register(&mut binding);
    let error = by.go_on(&mut binding).expect_err("not supported");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::Refused { .. })), "{error:?}");
    assert_eq!(binding.into_inner().expect("the stream").local_addr().expect("an address"), ours);
}

#[test]
fn without_a_proxy_there_is_no_listener() {
    let error = Binding::start(&Config::default(), peer(), Instant::now()).expect_err("direct");
    assert!(matches!(error, Error::Direct), "{error:?}");
}
