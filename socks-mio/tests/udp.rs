//! UDP ASSOCIATE: datagrams by way of a proxy.

mod common;

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use common::{Loop, METHOD_NONE, PATIENCE, SHORT, closed, config, dial, proxy, scripted, through, to};
use socks_conformance::peers::{UdpProxy, udp_echo};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_mio::{
    Associating, Config, DatagramError, Error, Login, Offer, Phase, Socket, TargetAddr, UdpAssociation, UserPass,
    WireAddr,
};

fn associate(by: &mut Loop, config: &Config, target: impl Into<TargetAddr>) -> UdpAssociation {
    by.run(Associating::start(config, target, Instant::now())).expect("an association")
}

fn receive<S: Read>(by: &mut Loop, association: &mut UdpAssociation<S>) -> io::Result<(Vec<u8>, WireAddr)> {
    let mut buf = vec![0; 65_535];
    let (len, from) = by.block_on(|| association.recv_from(&mut buf))?;
    buf.truncate(len);
    Ok((buf, from))
}

fn converse<S: Read>(
    by: &mut Loop,
    association: &mut UdpAssociation<S>,
    target: impl Into<TargetAddr> + Copy,
    peer: SocketAddr,
) {
    for said in [&b"ping"[..], b""] {
        association.send_to(said, target).expect("sent");
        assert_eq!(receive(by, association).expect("an answer"), (said.to_vec(), WireAddr::Ip(peer)));
    }
}

/// What an adapter's error holds.
fn datagram_error(error: &io::Error) -> &DatagramError {
    error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
fn there_and_back_by_address_and_by_name() {
    let hosts = vec![("echo.example".into(), Ipv4Addr::LOCALHOST.into())];
    for answer_unspecified in [false, true] {
        let config = ProxyConfig { hosts: hosts.clone(), answer_unspecified, ..ProxyConfig::default() };
        let (mut by, proxy, echo) = (Loop::new(), Proxy::start(config).expect("a proxy"), udp_echo());
        let mut association = associate(&mut by, &through(&proxy), echo);
        assert_eq!(association.bound().is_unspecified(), answer_unspecified);
        assert_eq!(association.relay().ip(), proxy.addr().ip());
        let error = association.recv_from(&mut [0; 16]).expect_err("nothing yet");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        converse(&mut by, &mut association, echo, echo);
        converse(&mut by, &mut association, to(&format!("echo.example:{}", echo.port())), echo);
    }
}

#[test]
fn over_a_stream_with_a_login_from_a_port_of_ours() {
    let (mut by, proxy, echo) = (Loop::new(), proxy(Some(("ann", "s3cret"))), udp_echo());
    // An address of the loopback that no other process uses, so that a port which is free there stays free.
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let ours = Ipv4Addr::new(127, high | 0x80, middle, low);
    let free = UdpSocket::bind((ours, 0)).and_then(|socket| socket.local_addr()).expect("a free port");
    let offer = Offer::stepwise(UserPass::new("ann", "s3cret").expect("short enough"));
    let associating = Associating::over(dial(proxy.addr()), Some(free), proxy.addr().ip(), offer);
    let mut association = by.run(Ok(associating)).expect("an association");
    converse(&mut by, &mut association, echo, echo);
}

#[cfg(unix)]
#[test]
fn at_a_proxy_on_a_unix_socket_after_one_that_is_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy");
    let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
    let (mut by, _proxy, echo) = (Loop::new(), Proxy::start(proxy).expect("a proxy"), udp_echo());
    let config = config(&format!("proxy 0.0.0.0/0 {},unix:{}", closed(), path.display()));
    let mut association = associate(&mut by, &config, echo);
    assert!(matches!(association.get_ref(), Socket::Unix(_)));
    converse(&mut by, &mut association, echo, echo);
}

#[test]
fn registered_anew_it_says_its_events() {
    let (mut by, proxy, echo) = (Loop::new(), proxy(None), udp_echo());
    let mut association = associate(&mut by, &through(&proxy), echo);
    by.registry().deregister(&mut association).expect("registered");
    let mut other = Loop::new();
    other.register(&mut association);
    converse(&mut other, &mut association, echo, echo);
}

#[test]
fn the_longest_payload_passes_and_nothing_is_cut() {
    let (mut by, proxy, echo) = (Loop::new(), proxy(None), udp_echo());
    let mut association = associate(&mut by, &through(&proxy), echo);
    // What the header to an IPv4 address leaves.
    let longest = vec![0x5a; 65_507 - 10];
    association.send_to(&longest, echo).expect("sent");
    assert!(receive(&mut by, &mut association).expect("an answer").0 == longest);
    let error = association.send_to(&[0; 65_507 - 9], echo).expect_err("too long");
    assert_eq!(*datagram_error(&error), DatagramError::PayloadTooLong { len: 65_498, most: 65_497 });
    association.send_to(b"ping", echo).expect("sent");
    let error = by.block_on(|| association.recv_from(&mut [0; 3])).expect_err("too short");
    assert_eq!(*datagram_error(&error), DatagramError::BufferTooShort { len: 4 });
    converse(&mut by, &mut association, echo, echo);
}

#[test]
fn fragments_are_joined_and_what_is_not_sound_is_dropped() {
    let (mut by, proxy) = (Loop::new(), UdpProxy::start());
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    let mut association = associate(&mut by, &config, to("192.0.2.1:7"));
    association.send_to(b"hello", to("192.0.2.1:7")).expect("sent");
    let (heard, client) = proxy.hear();
    assert_eq!(heard, b"\x00\x00\x00\x01\xc0\x00\x02\x01\x00\x07hello");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    stranger.send_to(b"\x00\x00\x00\x01\xc0\x00\x02\x01\x00\x07forged", client).expect("room");
    proxy.send(b"\x00\x00", client);
    proxy.say(0x02, b"no beginning", client);
    proxy.say(0x01, b"joi", client);
    proxy.say(0x82, b"ned", client);
    proxy.say(0x00, b"whole", client);
    for expected in [&b"joined"[..], b"whole"] {
        let (heard, from) = receive(&mut by, &mut association).expect("a datagram");
        assert_eq!((&heard[..], from.to_string().as_str()), (expected, "192.0.2.1:7"));
    }
}

#[test]
fn the_end_of_the_control_connection_ends_both_ways() {
    let (mut by, proxy) = (Loop::new(), UdpProxy::start());
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    let mut association = associate(&mut by, &config, to("192.0.2.1:7"));
    association.send_to(b"ping", to("192.0.2.1:7")).expect("sent");
    let (_, client) = proxy.hear();
    proxy.close();
    let error = receive(&mut by, &mut association).expect_err("the end");
    assert_eq!(*datagram_error(&error), DatagramError::Closed);
    let error = association.send_to(b"ping", to("192.0.2.1:7")).expect_err("the end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    // What the relay had sent before is not lost.
    proxy.say(0, b"late", client);
    assert_eq!(receive(&mut by, &mut association).expect("a datagram").0, b"late");
}

#[test]
fn a_relay_with_a_name_gives_the_stream_back() {
    let mut by = Loop::new();
    let stream = dial(scripted(&[METHOD_NONE, b"\x05\x00\x00\x03\x01a\x04\x38"]));
    let ours = stream.local_addr().expect("an address");
    let mut associating = Associating::over(stream, None, Ipv4Addr::LOCALHOST.into(), Offer::stepwise(Login::None));
    by.register(&mut associating);
    let error = by.go_on(&mut associating).expect_err("a name");
    assert!(matches!(error, Error::UnusableAnswer(_)), "{error:?}");
    assert_eq!(associating.into_inner().expect("the stream").local_addr().expect("an address"), ours);
}

#[test]
fn a_silent_proxy_ends_with_the_deadline_and_without_one_there_is_nothing() {
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
    let error = Loop::new().run(Associating::start_through(config.route(udp_echo()), SHORT, Instant::now()));
    assert!(matches!(error, Err(Error::TimedOut { phase: Phase::Reply })), "{error:?}");
    let error = Associating::start(&Config::default(), udp_echo(), Instant::now()).expect_err("direct");
    assert!(matches!(error, Error::Direct), "{error:?}");
}

#[test]
fn dropping_it_ends_the_association() {
    let (mut by, proxy, echo) = (Loop::new(), proxy(None), udp_echo());
    let mut association = associate(&mut by, &through(&proxy), echo);
    converse(&mut by, &mut association, echo, echo);
    drop(association);
    let log = proxy.wait_for_log(1, PATIENCE);
    assert_eq!(log.len(), 1, "{log:?}");
}
