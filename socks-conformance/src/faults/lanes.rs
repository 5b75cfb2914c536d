//! Many cases at once: a lane has a port of its own, and one case at a time.

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::case::{Case, Plan};
use super::census::Census;
use super::conversation::Conversation;
use super::hostile::{PATIENCE, play};
use super::report::Report;
use super::{Client, Failure, Heard, Request};

/// A request that takes longer was not ended by its own deadline. Far more than a busy machine needs.
const LIMIT: Duration = Duration::from_secs(20);
/// For who is not to run into its deadline.
const LONG: Duration = Duration::from_secs(60);
/// How long a connection may be on its way in the kernel.
const LAG: Duration = Duration::from_secs(1);
/// How often a lane looks whether the client it waits for is still there.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// What the random bytes are made of, unless `FAULTS_SEED` says otherwise.
const SEED: u64 = 1928;

/// The ports.
#[derive(Debug)]
pub struct Lanes {
    listeners: Vec<TcpListener>,
    addrs: Vec<SocketAddr>,
}

/// What a rule has to say for a request.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Whether the client says all at once.
    pub one_round_trip: bool,
    /// Whether it has a login.
    pub login: bool,
    /// Whether its time is short.
    pub is_short: bool,
}

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..8).map(|bits| Self { one_round_trip: bits & 1 != 0, login: bits & 2 != 0, is_short: bits & 4 != 0 })
    }

    /// Where requests of this kind in a lane lead to: another place for each, so that a rule can tell them apart.
    pub fn target(self, lane: usize) -> SocketAddr {
        let Self { one_round_trip, login, is_short } = self;
        let kind = u8::from(one_round_trip) | u8::from(login) << 1 | u8::from(is_short) << 2;
        SocketAddr::new([198, 18, kind, u8::try_from(lane).unwrap_or(u8::MAX)].into(), 80)
    }
}

impl Lanes {
    /// So many ports of the loopback.
    ///
    /// # Errors
    /// There are no descriptors or ports left.
    pub fn open(count: usize) -> io::Result<Self> {
        let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listeners: Vec<_> = (0..count).map(listen).collect::<Result<_, _>>()?;
        let addrs = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        listeners.iter().try_for_each(|listener| listener.set_nonblocking(true))?;
        Ok(Self { listeners, addrs })
    }

    /// Where the lanes listen, in their order.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Runs these cases.
    pub fn run<C: Client>(&self, client: &C, cases: &[Case<'_>]) -> Report {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            let mut report = Report::default();
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.run_one(client, lane, case, &mut report);
            }
            report
        };
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.listeners.len()).map(|lane| scope.spawn(move || work(lane))).collect();
            lanes.into_iter().fold(Report::default(), |report, lane| {
                report + lane.join().unwrap_or_else(|_| Report::of_failure("a lane panicked".into()))
            })
        })
    }

    fn run_one<C: Client>(&self, client: &C, lane: usize, case: &Case<'_>, report: &mut Report) {
        let Conversation { one_round_trip, login, .. } = *case.conversation;
        let request = |is_short| {
            let target = Kind { one_round_trip, login, is_short }.target(lane);
            Request {
                lane,
                target,
                command: client.command(case.conversation, target.into()),
                rule: case.conversation.rule(self.addrs[lane]),
                timeout: if is_short { C::SHORT } else { LONG },
            }
        };
        let mut asked = request(false);
        let mut plan = case.plan(&asked);
        if plan.expected == Err(Failure::TimedOut) {
            asked = request(true);
            plan = case.plan(&asked);
        }
        let outcome = self.meet(client, lane, &asked, &plan);
        report.count(&plan.expected);
        if let Err(why) = outcome {
            report.failures.push(format!("{case}: {why} (seed {})", case.seed));
        }
    }

    /// Lets the client and the hostile proxy meet.
    fn meet<C: Client>(&self, client: &C, lane: usize, request: &Request, plan: &Plan) -> Result<(), String> {
        let over = AtomicBool::new(false);
        let (told, played) = thread::scope(|scope| {
            let client = scope.spawn(|| {
                let began = Instant::now();
                let told = client.run(request);
                over.store(true, Ordering::Release);
                (told, began.elapsed())
            });
            let played = match self.accept(lane, &over) {
                Ok(Some(wire)) => play(plan, C::SHORT / 2, wire),
                // As far as it came on a busy machine in the little time that it had.
                Ok(None) if plan.expected == Err(Failure::TimedOut) => Ok(()),
                Ok(None) => Err("the client never came".into()),
                Err(error) => Err(format!("no connection: {error}")),
            };
            (client.join(), played)
        });
        let (told, took) = told.map_err(|_| "the client panicked".to_owned())?;
        judge::<C>(plan, told, took)?;
        played?;
        match self.listeners[lane].accept() {
            Ok(_) => Err("the client came a second time".into()),
            Err(_) => Ok(()),
        }
    }

    /// Waits for the client, as long as there is one, and a little longer: on a busy machine the kernel may bring the
    /// connection when the client has given it up, and it must not be taken for that of the next.
    fn accept(&self, lane: usize, over: &AtomicBool) -> io::Result<Option<TcpStream>> {
        let listener = &self.listeners[lane];
        let (mut began, mut patience) = (Instant::now(), PATIENCE);
        while began.elapsed() < patience {
            if over.load(Ordering::Acquire) && patience == PATIENCE {
                (began, patience) = (Instant::now(), LAG);
            }
            match listener.accept() {
                Ok((wire, _)) => return wire.set_nonblocking(false).map(|()| Some(wire)),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&GLANCE)),
            }
        }
        Ok(None)
    }
}

/// Whether the client told what it had to, and in time.
fn judge<C: Client>(plan: &Plan, told: Result<Heard, C::Error>, took: Duration) -> Result<(), String> {
    let is_as_expected = match (&told, &plan.expected) {
        (Ok(heard), Ok(expected)) => heard == expected,
        (Err(error), Err(failure)) => C::is(error, failure),
        _ => false,
    };
    let is_reset = plan.may_be_reset && told.as_ref().is_err_and(|error| C::is(error, &Failure::Reset));
    if !is_as_expected && !is_reset {
        return Err(format!("the client told {told:?}, expected {:?}", plan.expected));
    }
    if took > LIMIT {
        return Err(format!("it took {took:?}"));
    }
    if plan.expected == Err(Failure::TimedOut) && took < C::SHORT {
        return Err(format!("it gave up after {took:?}"));
    }
    Ok(())
}

/// All conversations that the client can have.
pub fn conversations<C: Client>(client: &C) -> Vec<Conversation> {
    Conversation::all().into_iter().filter(|conversation| client.takes(conversation)).collect()
}

/// All cases of these conversations, with the seed that the environment names.
///
/// # Panics
/// Where that is no number.
pub fn cases(conversations: &[Conversation]) -> Vec<Case<'_>> {
    let seed = env::var("FAULTS_SEED").map_or(SEED, |text| text.parse().expect("FAULTS_SEED is a number"));
    conversations.iter().flat_map(|conversation| Case::all(conversation, seed)).collect()
}

/// Runs all cases against a client in this process, and counts what it leaves behind.
///
/// A share of them runs before, so that what a runtime keeps for later is there already.
///
/// # Panics
/// Where a case fails or something is left behind; where there are no ports, or `/proc` cannot be read.
pub fn run_all<C: Client>(client: &C, adapter: &str, how: &str) {
    let conversations = conversations(client);
    let cases = cases(&conversations);
    let lanes = Lanes::open(C::LANES).expect("ports");
    let warmed_up = lanes.run(client, &cases[..cases.len().min(8 * C::LANES)]);
    let before = Census::take().expect("/proc");
    let mut report = lanes.run(client, &cases);
    // The texts of failures are memory, too; with failures nobody asks for that.
    let left = Census::take().expect("/proc").since(before);
    report.failures.extend(warmed_up.failures.into_iter().map(|what| format!("warming up: {what}")));
    report.left = left;
    report.publish(adapter, how);
    report.assert_clean(C::SLACK);
}
