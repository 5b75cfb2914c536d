//! Proxies and configurations that are no good, each with the programs that meet it.

use super::{Case, End, What, Wrapping, socksrc};
use crate::helper::scripted::PROXIES;
use crate::netns::{TARGET, TARGET_NAME};
use crate::program::{Host, Program, c, curl, git, node, python, wget};

/// The port of the first of the proxies that go by a script.
pub const SCRIPTED_PORT: u16 = 1100;

/// Who meets them, and whether by name.
const VICTIMS: &[(&str, &Program, bool)] = &[
    ("curl", &curl::CURL, true),
    ("curl@address", &curl::CURL, false),
    ("wget", &wget::WGET, true),
    ("urllib", &python::URLLIB, true),
    ("asyncio", &python::ASYNCIO, true),
    ("node", &node::NODE, true),
    ("git", &git::GIT, true),
    ("c@address", &c::BLOCKING, false),
    ("c-poll@address", &c::POLL, false),
];

/// Proxies, as socksrc has them, that are not there or let nobody in.
const NO_WAY: &[(&str, &str)] = &[
    ("proxy down", "10.77.1.2:1199"),
    ("no such machine", "10.77.1.99"),
    ("three proxies down", "10.77.1.2:1199,[fd77:1::2]:1199,unix:/nonexistent/socket"),
    ("login refused", "10.77.1.2:1081 interop wrong"),
    ("login not given", "10.77.1.2:1081"),
];

/// Configurations with errors. `None`: there is no such file.
const BAD_FILES: &[(&str, Option<&str>)] = &[
    ("no such socksrc", None),
    ("socksrc of garbage", Some("\u{1}\u{2}garbage \u{7f}\nproxy\nproxy proxy proxy\n")),
    ("an error in the proxy's line", Some("strict\ndns remote\nproxy 0.0.0.0/0 10.77.1.2:99999\n")),
    ("an error in dns", Some("strict\ndns remotely\nproxy 0.0.0.0/0 10.77.1.2:1080\n")),
    ("an error elsewhere", Some("strict\ndns remote\nproxy 0.0.0.0/0 10.77.1.2:1080\nnoproxy 300.1.1.1\n")),
    ("an error, no dns line", Some("proxy 0.0.0.0/0 10.77.1.2:1080\nproxy 0.0.0.0/0 10.77.1.2:1081\n")),
    ("a login file that is not there", Some("dns remote\nproxy 0.0.0.0/0 10.77.1.2:1080 @/nonexistent\n")),
];

/// All of them with all of those.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for &(name, servers) in NO_WAY {
        add(&mut all, name, Wrapping::Socksify, socksrc(servers, 1).as_deref());
    }
    for (port, &(name, _)) in (SCRIPTED_PORT..).zip(PROXIES) {
        let servers = format!("10.77.1.2:{port}");
        add(&mut all, &format!("proxy {name}"), Wrapping::Socksify, socksrc(&servers, 1).as_deref());
    }
    for &(name, text) in BAD_FILES {
        add(&mut all, name, Wrapping::Preload, text);
    }
    all
}

fn add(all: &mut Vec<Case>, name: &str, wrapping: Wrapping, socksrc: Option<&str>) {
    all.extend(VICTIMS.iter().map(|&(column, program, by_name)| Case {
        name: name.to_owned(),
        column: column.to_owned(),
        wrapping,
        socksrc: socksrc.map(str::to_owned),
        what: What::Program(program, if by_name { Host::Name(TARGET_NAME) } else { Host::Ip(TARGET[0]) }),
        // A proxy that says it is done and hangs up is to some programs a page of nothing.
        end: End::NotReached,
    }));
}
