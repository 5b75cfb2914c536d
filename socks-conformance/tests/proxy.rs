//! The embedded proxy, with the core as its client.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_proto::{
    AuthFailure, Command, Error, Event, Handshake, Login, MethodId, Offer, Phase, ReplyCode, Step, TargetAddr,
    UserPass, WireAddr, udp,
};

/// For what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a handshake up to its end or, where `stop_at_bound`, to the first reply; returns BND.ADDR of that.
fn advance(handshake: &mut Handshake, io: &mut (impl Read + Write), stop_at_bound: bool) -> Result<WireAddr, Error> {
    let mut buf = [0; 512];
    loop {
        match handshake.step()? {
            Step::Send(bytes) => {
                let n = io.write(bytes).expect("the proxy takes it");
                handshake.sent(n);
            }
            Step::Receive { at_most } => {
                let most = buf.len().min(at_most.get());
                match io.read(&mut buf[..most]).expect("the proxy answers") {
                    0 => return Err(handshake.receive_eof()),
                    n => handshake.receive(&buf[..n])?,
                };
            }
            Step::Event(Event::Bound) if stop_at_bound => break,
            Step::Event(_) => {}
            _ => break,
        }
    }
    Ok(handshake.bound().expect("the request is granted"))
}

fn negotiate(
    io: &mut (impl Read + Write),
    command: Command,
    offer: Offer,
) -> Result<(WireAddr, Option<WireAddr>), Error> {
    let mut handshake = Handshake::new(command, offer);
    advance(&mut handshake, io, false)?;
    let done = handshake.into_established().expect("it is done");
    Ok((done.bound, done.peer))
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn none() -> Offer {
    Offer::stepwise(Login::None)
}

/// Answers one connection with what it said, once it has said all.
fn echo_at_the_end() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).unwrap();
            stream.write_all(&said).unwrap();
        }
    });
    addr
}

#[test]
fn connect_relays_and_closes_each_way_on_its_own() {
    let proxy = Proxy::start(ProxyConfig::default()).unwrap();
    let mut stream = connect(&proxy);
    let target = echo_at_the_end();
    let (bound, _) = negotiate(&mut stream, Command::Connect(target.into()), none()).unwrap();
    assert_eq!(bound.socket_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
    let said = vec![b'x'; 300_000];
    stream.write_all(&said).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert!(heard == said);
    let log = proxy.wait_for_log(1, PATIENCE);
    let from = stream.local_addr().unwrap();
    let expected = format!(
        "from={from} method=none command=connect target={target} outcome=\"succeeded (0x00)\" up=300000 down=300000"
    );
    assert_eq!(log, [expected]);
    assert_eq!(proxy.bytes_relayed(), 600_000);
}

#[test]
fn a_login_in_one_round_trip_with_data_behind_it() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let proxy = Proxy::start(ProxyConfig {
        login: Some(("ann".into(), "s3cret".into())),
        log: Some(Box::new(move |line| kept.lock().unwrap().push(line.to_owned()))),
        hosts: vec![("mail.example".into(), Ipv4Addr::LOCALHOST.into())],
        ..ProxyConfig::default()
    })
    .unwrap();
    let target = TargetAddr::new("mail.example", echo_at_the_end().port()).unwrap();
    let login = UserPass::new("ann", "s3cret").unwrap();
    let mut handshake = Handshake::new(Command::Connect(target), Offer::one_round_trip(login));
    let mut stream = connect(&proxy);
    let Step::Send(flight) = handshake.step().unwrap() else { panic!("a flight") };
    let all = [flight, b"hello"].concat();
    let len = flight.len();
    handshake.sent(len);
    stream.write_all(&all).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    advance(&mut handshake, &mut stream, false).unwrap();
    assert_eq!(handshake.into_established().unwrap().method, MethodId::USER_PASS);
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains("method=userpass user=\"ann\" command=connect target=mail.example:"), "{log:?}");
    assert!(!log[0].contains("s3cret"), "{log:?}");
    assert_eq!(*lines.lock().unwrap(), log);
}

#[test]
fn who_has_no_login_does_not_get_in() {
    let login = Some(("ann".into(), "s3cret".into()));
    let proxy = Proxy::start(ProxyConfig { login, ..ProxyConfig::default() }).unwrap();
    let command = Command::Connect(TargetAddr::UNSPECIFIED);
    assert_eq!(negotiate(&mut connect(&proxy), command, none()), Err(Error::NoAcceptableMethod));
    let wrong = UserPass::new("ann", "hunter2").unwrap();
    let refused = Error::Authenticate(AuthFailure::LoginRefused { status: 1 });
    assert_eq!(negotiate(&mut connect(&proxy), command, Offer::stepwise(wrong)), Err(refused));
    let log = proxy.wait_for_log(2, PATIENCE).join("\n");
    assert!(log.contains("no acceptable method") && log.contains("login refused"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("s3cret"), "{log}");
}

#[test]
fn failures_have_their_code() {
    let proxy = Proxy::start(ProxyConfig::default()).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = |code| Err(Error::Refused { phase: Phase::Reply, code });
    let ask = |command| negotiate(&mut connect(&proxy), command, none());
    assert_eq!(ask(Command::Connect(free.into())), refused(ReplyCode::CONNECTION_REFUSED));
    let nobody = TargetAddr::new("nobody.invalid", 1).unwrap();
    assert_eq!(ask(Command::Connect(nobody)), refused(ReplyCode::HOST_UNREACHABLE));
}

#[test]
fn bind_has_two_replies() {
    let proxy = Proxy::start(ProxyConfig::default()).unwrap();
    let mut stream = connect(&proxy);
    let mut handshake = Handshake::new(Command::Bind("127.0.0.1:0".parse().unwrap()), none());
    let bound = advance(&mut handshake, &mut stream, true).unwrap().socket_addr().unwrap();
    assert_eq!(bound.ip(), Ipv4Addr::LOCALHOST);
    let mut peer = TcpStream::connect(bound).unwrap();
    peer.write_all(b"220 ready").unwrap();
    advance(&mut handshake, &mut stream, false).unwrap();
    let done = handshake.into_established().unwrap();
    assert_eq!(done.peer, Some(WireAddr::Ip(peer.local_addr().unwrap())));
    drop(peer);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(io::read_to_string(stream).unwrap(), "220 ready");
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains("command=bind target=127.0.0.1:0"), "{log:?}");
}

#[test]
fn bind_gives_up_in_its_time() {
    let bind_timeout = Some(Duration::from_millis(1));
    let proxy = Proxy::start(ProxyConfig { bind_timeout, answer_unspecified: true, ..ProxyConfig::default() }).unwrap();
    let mut stream = connect(&proxy);
    let mut handshake = Handshake::new(Command::Bind(TargetAddr::UNSPECIFIED), none());
    let bound = advance(&mut handshake, &mut stream, true).unwrap();
    assert!(bound.is_unspecified() && bound.port() != 0, "{bound}");
    let given_up = Error::Refused { phase: Phase::SecondReply, code: ReplyCode::TTL_EXPIRED };
    assert_eq!(advance(&mut handshake, &mut stream, false), Err(given_up));
}

#[test]
fn datagrams_go_through_and_fragments_do_not() {
    let proxy = Proxy::start(ProxyConfig::default()).unwrap();
    let mut stream = connect(&proxy);
    let (relay, _) = negotiate(&mut stream, Command::UdpAssociate(TargetAddr::UNSPECIFIED), none()).unwrap();
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    for socket in [&target, &client] {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    let to: TargetAddr = target.local_addr().unwrap().into();
    let relay = relay.socket_addr().unwrap();
    let send = |frag: u8, payload: &[u8]| {
        let mut datagram = Vec::new();
        udp::encode_header(&to, &mut datagram);
        datagram[2] = frag;
        datagram.extend_from_slice(payload);
        client.send_to(&datagram, relay).unwrap();
    };
    send(1, b"a fragment");
    send(0, b"a whole");
    let mut buf = [0; 1024];
    let (len, from) = target.recv_from(&mut buf).unwrap();
    assert_eq!(&buf[..len], b"a whole");
    target.send_to(b"an answer", from).unwrap();
    let (len, _) = client.recv_from(&mut buf).unwrap();
    let answer = udp::decode(&buf[..len]).unwrap();
    assert_eq!((answer.peer, answer.payload), (to.into(), &b"an answer"[..]));
    drop(stream);
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].ends_with("command=udp target=0.0.0.0:0 outcome=\"succeeded (0x00)\" up=7 down=9"), "{log:?}");
}

#[test]
fn a_name_and_its_address() {
    let hosts = vec![("mail.example".into(), [192, 0, 2, 25].into())];
    let proxy = Proxy::start(ProxyConfig { hosts, ..ProxyConfig::default() }).unwrap();
    let (found, _) =
        negotiate(&mut connect(&proxy), Command::Resolve("mail.example".try_into().unwrap()), none()).unwrap();
    assert_eq!(found.to_string(), "192.0.2.25:0");
    let command = Command::ResolvePtr(found.socket_addr().unwrap().ip());
    let (name, _) = negotiate(&mut connect(&proxy), command, none()).unwrap();
    assert_eq!(name.to_string(), "mail.example:0");
}

#[test]
fn a_socket_in_the_file_system() {
    let path = std::env::temp_dir().join(format!("socks-proxy-{}", std::process::id()));
    let listen = Listen::Unix(path.clone());
    let proxy = Proxy::start(ProxyConfig { listen, answer_unspecified: true, ..ProxyConfig::default() }).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    let (bound, _) = negotiate(&mut stream, Command::Connect(echo_at_the_end().into()), none()).unwrap();
    assert_eq!(bound, WireAddr::UNSPECIFIED);
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(io::read_to_string(stream).unwrap(), "hello");
    drop(proxy);
    assert!(!path.exists());
}

#[test]
fn dropping_it_ends_whatever_it_waits_for() {
    let began = Instant::now();
    let slow = ProxyConfig { delay: Some(Duration::from_secs(600)), ..ProxyConfig::default() };
    let proxy = Proxy::start(slow).unwrap();
    let waiting = Proxy::start(ProxyConfig::default()).unwrap();
    let mut delayed = connect(&proxy);
    delayed.write_all(&[5, 1, 0]).unwrap();
    let mut binding = connect(&waiting);
    advance(&mut Handshake::new(Command::Bind(TargetAddr::UNSPECIFIED), none()), &mut binding, true).unwrap();
    let mut relaying = connect(&waiting);
    negotiate(&mut relaying, Command::Connect(echo_at_the_end().into()), none()).unwrap();
    let silent = connect(&waiting);
    drop((proxy, waiting));
    for mut stream in [delayed, binding, relaying, silent] {
        // Closed, or reset where something was unread.
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    assert!(began.elapsed() < PATIENCE);
}

/// A target that takes every connection and keeps it.
fn keeper() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    addr
}

#[test]
fn many_connections_at_once() {
    let proxy = Proxy::start(ProxyConfig::default()).unwrap();
    let target = keeper();
    // Four descriptors each, all in this process: as many as an ordinary limit of 1024 lets us have.
    let mut streams: Vec<_> = (0..200).map(|_| connect(&proxy)).collect();
    for stream in &mut streams {
        negotiate(stream, Command::Connect(target.into()), none()).unwrap();
    }
    assert_eq!(proxy.connections(), 200);
    for stream in &streams {
        stream.shutdown(Shutdown::Both).unwrap();
    }
    drop(proxy);
}
