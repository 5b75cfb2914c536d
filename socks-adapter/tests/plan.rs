//! The order of servers and addresses, and until when each of them is tried.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use socks_adapter::plan::{Place, Plan, Step, timeout};
use socks_adapter::{Deadline, Error, Negotiation, Next, Unreachable};
use socks_config::{Config, Refusal, Route};
use socks_proto::{Command, DomainName, Phase, TargetAddr};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn config(text: &str) -> Config {
    let parsed = Config::parse("test", text.as_bytes());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

fn target() -> TargetAddr {
    "192.0.2.1:25".parse().expect("a target")
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn connect(config: &Config, deadline: Deadline) -> Plan<'_> {
    let target = target();
    Plan::new(config.route(&target), Command::Connect(target), deadline).expect("a way")
}

/// The next place, as text, and how much of the minute from `start` it has until it must have answered, and in all.
fn place(plan: &mut Plan<'_>, now: Instant) -> (String, Option<Duration>, Option<Duration>) {
    match plan.step(now) {
        Step::Connect(turn) => {
            let place = match turn.place {
                Place::Tcp(addr) => addr.to_string(),
                Place::Unix(path) => path.display().to_string(),
            };
            let left = |deadline: Deadline| deadline.left(now).expect("time is left");
            (place, left(turn.until_reached), left(turn.until_done))
        }
        step => panic!("{step:?}"),
    }
}

fn failure(plan: &mut Plan<'_>, now: Instant) -> Error {
    match plan.step(now) {
        Step::Failed(error) => error,
        step => panic!("{step:?}"),
    }
}

fn tried(error: &Error) -> &Unreachable {
    match error {
        Error::CouldNotReach(unreachable) => unreachable,
        error => panic!("{error:?}"),
    }
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

#[test]
fn servers_in_their_order_each_with_its_share_until_it_has_answered() {
    let config = config("proxy 0.0.0.0/0 192.0.2.10,192.0.2.11:1100/timeout=7,unix:/run/proxy");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::after(now, seconds(60)));
    let minute = Some(seconds(60));
    assert_eq!(place(&mut plan, now), ("192.0.2.10:1080".into(), Some(seconds(20)), minute));
    plan.unreachable(refused());
    // Its own time takes the place of the share, and bounds the whole.
    assert_eq!(place(&mut plan, now), ("192.0.2.11:1100".into(), Some(seconds(7)), Some(seconds(7))));
    plan.unreachable(refused());
    // 50 seconds later the last server has all that is left.
    let later = now + seconds(50);
    assert_eq!(place(&mut plan, later), ("/run/proxy".into(), Some(seconds(10)), Some(seconds(10))));
    plan.unreachable(refused());
    let error = failure(&mut plan, later);
    let addrs: Vec<_> = tried(&error).tried().iter().map(|attempt| attempt.addr).collect();
    assert_eq!(addrs, [Some(addr("192.0.2.10:1080")), Some(addr("192.0.2.11:1100")), None]);
}

#[test]
fn each_address_of_a_name_has_its_share_of_the_servers() {
    let config = config("proxy 0.0.0.0/0 gate.example,192.0.2.11");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::after(now, seconds(60)));
    match plan.step(now) {
        Step::Resolve { host: "gate.example", port: 1080, until } => {
            assert_eq!(until, Deadline::after(now, seconds(30)))
        }
        step => panic!("{step:?}"),
    }
    plan.resolved(Ok([addr("192.0.2.7:1080"), addr("[2001:db8::7]:1080")]));
    assert_eq!(place(&mut plan, now).0, "192.0.2.7:1080");
    plan.unreachable(refused());
    assert_eq!(place(&mut plan, now), ("[2001:db8::7]:1080".into(), Some(seconds(30)), Some(seconds(60))));
    plan.unreachable(refused());
    assert_eq!(place(&mut plan, now), ("192.0.2.11:1080".into(), Some(seconds(60)), Some(seconds(60))));
}

#[test]
fn a_name_without_an_address_is_passed_over() {
    let config = config("proxy 0.0.0.0/0 gone.example,empty.example,192.0.2.11");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::NEVER);
    assert!(matches!(plan.step(now), Step::Resolve { host: "gone.example", .. }));
    plan.resolved(Err::<Vec<SocketAddr>, _>(io::Error::other("no such name")));
    assert!(matches!(plan.step(now), Step::Resolve { host: "empty.example", .. }));
    plan.resolved(Ok([]));
    assert_eq!(place(&mut plan, now), ("192.0.2.11:1080".into(), None, None));
    plan.unreachable(refused());
    let error = failure(&mut plan, now);
    let told: Vec<_> = tried(&error).tried().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "gone.example:1080: no such name",
            "empty.example:1080: the name has no address",
            "192.0.2.11:1080: connection refused"
        ]
    );
}

#[test]
fn what_there_is_no_time_for_is_told_as_that() {
    let config = config("proxy 0.0.0.0/0 192.0.2.10,gate.example,unix:/run/proxy");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::after(now, Duration::ZERO));
    let error = failure(&mut plan, now);
    assert_eq!(tried(&error).tried().len(), 3);
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn silence_leads_to_the_next_server_and_an_answer_does_not() {
    let config = config("proxy 0.0.0.0/0 192.0.2.10,192.0.2.11");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::NEVER);
    let _ = place(&mut plan, now);
    plan.failed(Error::TimedOut { phase: Phase::Method }).expect("the next one");
    assert_eq!(place(&mut plan, now).0, "192.0.2.11:1080");
    let no = socks_proto::Error::NoAcceptableMethod;
    let error = plan.failed(no.clone().into()).expect_err("an answer");
    assert!(matches!(error, Error::Handshake(error) if error == no));
}

#[test]
fn the_silence_of_the_only_server_is_the_error() {
    let config = config("proxy 0.0.0.0/0 192.0.2.10");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::NEVER);
    let _ = place(&mut plan, now);
    plan.failed(Error::TimedOut { phase: Phase::Method }).expect("no answer");
    assert!(matches!(failure(&mut plan, now), Error::TimedOut { phase: Phase::Method }));
}

/// What is written first and at once, which for a pipelined offer is everything.
fn flight(negotiation: Option<Negotiation>) -> Vec<u8> {
    match negotiation.expect("a proxy").next().expect("nothing went wrong") {
        Next::Write(bytes) => bytes.to_vec(),
        next => panic!("{next:?}"),
    }
}

#[test]
fn a_server_is_asked_as_its_options_say() {
    let config = config("proxy 0.0.0.0/0 192.0.2.10/redirect=:587/pipeline ann s3cret");
    let now = Instant::now();
    let mut plan = connect(&config, Deadline::NEVER);
    let Step::Connect(turn) = plan.step(now) else { panic!("no place") };
    assert_eq!(
        flight(turn.negotiation()),
        b"\x05\x01\x02\x01\x03ann\x06s3cret\x05\x01\x00\x01\xc0\x00\x02\x01\x02\x4b"
    );
    assert_eq!(turn.negotiation().and_then(|n| n.proxy()), Some([192, 0, 2, 10].into()));
    // To redirect whom to wait for would be to wait for somebody else.
    let mut plan = Plan::new(config.route(&target()), Command::Bind(target()), Deadline::NEVER).expect("a way");
    let Step::Connect(turn) = plan.step(now) else { panic!("no place") };
    assert!(flight(turn.negotiation()).ends_with(b"\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x19"));
}

#[test]
fn an_owned_plan_goes_on_where_it_was() {
    let now = Instant::now();
    let mut plan = {
        let config = config("proxy 0.0.0.0/0 192.0.2.10,192.0.2.11");
        let mut plan = connect(&config, Deadline::NEVER);
        let _ = place(&mut plan, now);
        plan.unreachable(refused());
        plan.into_owned()
    };
    assert_eq!(place(&mut plan, now).0, "192.0.2.11:1080");
}

#[test]
fn a_direct_route_leads_to_the_target_and_only_for_connect() {
    let (config, now) = (Config::default(), Instant::now());
    let deadline = Deadline::after(now, seconds(60));
    let mut plan = connect(&config, deadline);
    let Step::Connect(turn) = plan.step(now) else { panic!("no place") };
    assert_eq!(turn.place, Place::Tcp(addr("192.0.2.1:25")));
    assert!(turn.negotiation().is_none());

    let named: TargetAddr = "mail.example:25".parse().expect("a target");
    let mut plan = Plan::new(Route::Direct, Command::Connect(named), deadline).expect("a way");
    assert!(matches!(plan.step(now), Step::Resolve { host: "mail.example", port: 25, .. }));

    let bytes = TargetAddr::from((DomainName::new(b"\xff.example").expect("a name"), 25));
    let mut plan = Plan::new(Route::Direct, Command::Connect(bytes), deadline).expect("a way");
    assert_eq!(failure(&mut plan, now).kind(), io::ErrorKind::InvalidInput);

    for command in
        [Command::Bind(target()), Command::UdpAssociate(target()), Command::ResolvePtr([192, 0, 2, 1].into())]
    {
        assert!(matches!(Plan::new(Route::Direct, command, deadline), Err(Error::Direct)));
    }
    let refusal = Route::Refused(Refusal::Strict);
    assert!(matches!(Plan::new(refusal, Command::Bind(target()), deadline), Err(Error::Refused(Refusal::Strict))));
}

#[test]
fn the_timeout_is_the_configurations_or_a_servers_longer_one() {
    let config = config(
        "timeout 30\nproxy 0.0.0.0/0 192.0.2.10/timeout=90,192.0.2.11/timeout=5\nproxy 10.0.0.0/8 192.0.2.11/timeout=5",
    );
    assert_eq!(timeout(&config, &config.route(&target())), seconds(90));
    assert_eq!(timeout(&config, &config.route(addr("10.0.0.1:25"))), seconds(30));
    assert_eq!(timeout(&config, &Route::Direct), seconds(30));
}

#[test]
fn a_path_has_no_address() {
    assert_eq!(Place::Unix(Path::new("/run/proxy")).ip(), None);
    assert_eq!(Place::Tcp(addr("[::1]:1080")).ip(), Some("::1".parse().expect("an address")));
}
