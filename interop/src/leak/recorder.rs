//! Who sees every packet of the client that is not of its connections to the proxy.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::netns::{Node, PROXY_NEAR};
use crate::process::{Daemon, run_tool};
use crate::setup::Site;

/// The ports of the proxy's node that proxies have, or would have: what goes there is no leak.
pub const PROXY_PORTS: (u16, u16) = (1080, 1199);

/// tcpdump, at the proxy's end of the only cable that the client has.
#[derive(Debug)]
pub struct Recorder<'a> {
    site: &'a Site,
    daemon: Daemon,
    /// How much of the log was looked at.
    read: usize,
    /// The port of the next mark.
    mark: u16,
}

/// Marks go to ports from here on.
const FIRST_MARK: u16 = 30_000;

impl<'a> Recorder<'a> {
    /// Starts it.
    pub fn start(site: &'a Site) -> Result<Self> {
        let mut tcpdump = site.network.privileged_command(Node::Proxy, "tcpdump");
        // As root: it cannot become another user where there is none.
        tcpdump.args([
            "-i",
            "to-client",
            "-Q",
            "in",
            "-nn",
            "-t",
            "-l",
            "--immediate-mode",
            "-B",
            "16384",
            "-Z",
            "root",
        ]);
        tcpdump.arg(filter());
        let mut daemon = Daemon::start("tcpdump", tcpdump, &site.folder().join("tcpdump.log"))?;
        let mut log = String::new();
        daemon.wait_until(|| {
            log = std::fs::read_to_string(site.folder().join("tcpdump.log"))?;
            Ok(log.contains("listening on"))
        })?;
        let mut recorder = Self { site, daemon, read: 0, mark: FIRST_MARK };
        recorder.packets()?;
        Ok(recorder)
    }

    /// As [`packets`](Self::packets), where there should be some: waits until there are, or for ten seconds.
    pub fn some_packets(&mut self) -> Result<Vec<String>> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let packets = self.packets()?;
            if !packets.is_empty() || Instant::now() > deadline {
                return Ok(packets);
            }
        }
    }

    /// What came since this was asked last, a line each.
    ///
    /// A datagram is sent and waited for: by then all that was sent before it is there as well, and it is known each time
    /// that the recorder is awake.
    pub fn packets(&mut self) -> Result<Vec<String>> {
        let IpAddr::V4(proxy) = PROXY_NEAR[0] else { bail!("the proxy's first address is not of IPv4") };
        let mark = SocketAddr::from((proxy, self.mark));
        run_tool(self.site.helper(Node::Client, &["mark", &mark.to_string()]))?;
        // Whatever tcpdump takes it for: some of these ports are of protocols that it knows.
        let end = format!(" > {proxy}.{}: ", self.mark);
        self.mark += 1;
        let path = self.site.folder().join("tcpdump.log");
        let mut log = String::new();
        self.daemon
            .wait_until(|| {
                log = std::fs::read_to_string(&path)?;
                Ok(log[self.read..].split_once(&end).is_some_and(|(_, rest)| rest.contains('\n')))
            })
            .context("the recorder does not see what is sent to it")?;
        let new = &log[self.read..];
        let (before, after) = new.split_once(&end).unwrap_or_default();
        let mut packets: Vec<String> = before.lines().filter(|line| is_packet(line)).map(str::to_owned).collect();
        // The beginning of the mark's own line.
        packets.pop();
        self.read = log.len() - after.len() + after.find('\n').map_or(0, |end| end + 1);
        Ok(packets)
    }
}

/// Each begins with its protocol; the lines of the hexadecimal dump of one that is not known, and those of tcpdump's own, do
/// not.
fn is_packet(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_uppercase())
}

/// All but connections to a proxy, and what every node says to find its neighbours: ARP, and ICMPv6 for neighbours,
/// routers and groups of them.
fn filter() -> String {
    let (first, last) = PROXY_PORTS;
    let to_proxy =
        PROXY_NEAR.map(|ip| format!("(tcp and dst host {ip} and dst portrange {first}-{last})")).join(" or ");
    format!(
        "not arp and not ({to_proxy}) and not (icmp6 and ip6[40] >= 133 and ip6[40] <= 136) \
         and not (ip6[6] = 0 and ip6[40] = 58)"
    )
}
