//! What is known to go out, as the manual says: it has to, or the manual is wrong.

use super::{Case, End, What, Wrapping, socksrc};

/// All of them. Their rows say what the library cannot see, or does not keep in.
pub fn all() -> Vec<Case> {
    let danted = socksrc("10.77.1.2:1080", 50);
    let case = |name: &str, wrapping, socksrc: &Option<String>, what| Case {
        name: name.to_owned(),
        column: "limit".to_owned(),
        wrapping,
        socksrc: socksrc.clone(),
        what,
        end: End::Says(&[]),
    };
    let script = |name, socksrc, text| case(name, Wrapping::Socksify, socksrc, What::Script(text));
    let trial = |name, trial| case(name, Wrapping::Socksify, &danted, What::Trial("leak_limits", trial));
    let names = |name, trial| case(name, Wrapping::Socksify, &danted, What::Trial("leak_names", trial));
    vec![
        case("a static program, --force", Wrapping::Forced, &danted, What::StaticTrial("leak_limits", "plain")),
        script(
            "a child without LD_PRELOAD",
            &danted,
            r#"! env -u LD_PRELOAD curl --disable -sS --connect-timeout 1 "http://$2:$3/""#,
        ),
        script(
            "a child with an empty environment",
            &danted,
            r#"! env -i "$(command -v curl)" --disable -sS --connect-timeout 1 "http://$2:$3/""#,
        ),
        trial("system calls of a program's own", "own system calls"),
        trial("libc's functions by dlsym of its handle", "by handle"),
        trial("frames by a packet socket", "frame"),
        names("getnetbyname, getnetbyaddr", "networks"),
        names("ruserok", "trust"),
        names("rcmd", "rcmd"),
        names("rexec", "rexec"),
        script(
            "the name of the proxy itself",
            &socksrc("gate.interop.example", 50),
            r#"! curl --disable -sS --connect-timeout 1 "http://$2:$3/""#,
        ),
        script(
            "names, dns local",
            &Some("strict\nproxy 0.0.0.0/0 10.77.1.2:1080\n".to_owned()),
            r#"! curl --disable -sS --connect-timeout 1 "http://$1:$3/""#,
        ),
        // Last: the kernel takes its time, and says it again.
        trial("joining a group of IPv4", "join"),
    ]
}
