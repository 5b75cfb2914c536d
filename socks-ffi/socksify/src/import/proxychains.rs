//! proxychains.conf.

use super::lines;
use super::translation::{Proxy, Translation, net, server};

/// What begins the list of proxies.
pub(super) const SECTION: &str = "[ProxyList]";
/// How several proxies are used.
pub(super) const CHAINS: [&str; 4] = [STRICT, "dynamic_chain", RANDOM, ROUND_ROBIN];
const STRICT: &str = "strict_chain";
const RANDOM: &str = "random_chain";
const ROUND_ROBIN: &str = "round_robin_chain";

/// What it uses, unless it is told.
const CONNECT_TIMEOUT: u64 = 10_000;
const READ_TIMEOUT: u64 = 4_000;

pub(super) fn translate(text: &str) -> Translation {
    let mut to = Translation::default();
    let mut proxies = Vec::new();
    let mut redirects = Vec::new();
    let mut chain = (0, STRICT);
    let mut chain_len = None;
    let mut timeouts = (None, None);
    let mut in_list = false;
    // Not a word of it: proxychains leaves servers alone, which bind this address.
    to.say(0, "noproxy 0.0.0.0");
    for (number, line) in lines(text) {
        let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#') || in_list).collect();
        if in_list {
            proxies.extend(proxy(&mut to, number, &words));
            continue;
        }
        match words[..] {
            [SECTION] => in_list = true,
            [word] if CHAINS.contains(&word) => chain = (number, word),
            ["quiet_mode"] => {}
            ["proxy_dns" | "proxy_dns_old"] | ["proxy_dns_daemon", ..] => to.say(number, "dns remote"),
            ["remote_dns_subnet", _] => {
                to.note(number, "remote_dns_subnet: names have addresses of 198.18.0.0/15 here")
            }
            ["chain_len", .., len] => chain_len = len.trim_start_matches('=').parse::<usize>().ok(),
            [word, ..] if word.starts_with("chain_len=") => chain_len = word[10..].parse::<usize>().ok(),
            ["tcp_connect_time_out", time] => timeouts.0 = time.parse().ok(),
            ["tcp_read_time_out", time] => timeouts.1 = time.parse().ok(),
            ["localnet", place] => match net(place) {
                Some(net) => to.say(number, format!("noproxy {net}")),
                None => to.note(number, "localnet: no network that can be read; it goes through the proxy"),
            },
            ["dnat", from, target] => redirects.push((number, from, target)),
            [word, ..] => to.lost(number, &format!("`{word}`, which is not known")),
            [] => {}
        }
    }
    if let (None, None) = timeouts {
    } else {
        let all: u64 = timeouts.0.unwrap_or(CONNECT_TIMEOUT) + timeouts.1.unwrap_or(READ_TIMEOUT);
        to.say(0, format!("timeout {}", all.div_ceil(1000).max(1)));
    }
    let usable = together(&mut to, &proxies, chain, chain_len);
    for (number, from, target) in redirects {
        redirect(&mut to, number, from, target, &usable);
    }
    to.proxy(proxies.first().map_or(0, |(number, _)| *number), "0.0.0.0/0", &usable, "");
    to
}

/// `TYPE IP PORT [USER PASSWORD]`.
fn proxy(to: &mut Translation, number: u32, words: &[&str]) -> Option<(u32, Proxy)> {
    let [kind, host, port, login @ ..] = words else {
        to.lost(number, "a proxy without an address or a port");
        return None;
    };
    if *kind != "socks5" {
        to.lost(number, &format!("a proxy of type `{kind}`: only SOCKS 5 is spoken here"));
        return None;
    }
    let login = to.login(number, login.first().copied(), login.get(1).copied());
    Some((number, Proxy { server: server(host, port), login }))
}

/// The proxies of which any one does, if that is what the file means.
fn together(
    to: &mut Translation,
    proxies: &[(u32, Proxy)],
    (at, chain): (u32, &str),
    chain_len: Option<usize>,
) -> Vec<Proxy> {
    let Some((first_line, first)) = proxies.first() else {
        to.lost(0, "no proxy at all");
        return Vec::new();
    };
    if proxies.len() > 1 {
        let any_one = [RANDOM, ROUND_ROBIN].contains(&chain) && chain_len == Some(1);
        if !any_one {
            to.lost(at.max(*first_line), &format!("{chain} through several proxies, one after the other"));
        } else {
            to.note(at, &format!("{chain}: the proxies are tried in the order of the file"));
        }
        if let Some((number, _)) = proxies.iter().find(|(_, proxy)| proxy.login != first.login) {
            to.lost(*number, "another login than that of the first proxy");
        }
    }
    proxies.iter().map(|(_, proxy)| proxy.clone()).collect()
}

/// `dnat IP[:PORT] IP[:PORT]`: what is meant for one is asked for at another.
fn redirect(to: &mut Translation, number: u32, from: &str, target: &str, proxies: &[Proxy]) {
    let (ip, port) = from.split_once(':').map_or((from, None), |(ip, port)| (ip, Some(port)));
    let pattern = port.map_or_else(|| format!("{ip}/32"), |port| format!("{ip}/32:{port}"));
    to.proxy(number, &pattern, proxies, &format!("/redirect={target}"));
}
