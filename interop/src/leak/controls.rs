//! What is not wrapped is seen: without this a table of zeroes would say nothing.

use super::{Case, End, What, Wrapping};

/// A case that is not wrapped, and what has to be in one of the packets that are seen of it.
pub type Control = (Case, &'static str);

/// All of them.
pub fn all() -> Vec<Control> {
    let script = |name: &str, text, seen| {
        let case = Case {
            name: name.to_owned(),
            column: "packets".to_owned(),
            wrapping: Wrapping::None,
            socksrc: None,
            what: What::Script(text),
            end: End::Says(&[]),
        };
        (case, seen)
    };
    vec![
        script(
            "curl to the target's address",
            r#"! curl --disable -sS --connect-timeout 1 "http://$2:$3/""#,
            " > 10.77.2.2.8080: Flags [S]",
        ),
        script(
            "curl to its IPv6 address",
            r#"! curl --disable -sS --connect-timeout 1 -g "http://[fd77:2::2]:$3/""#,
            " > fd77:2::2.8080: Flags [S]",
        ),
        script(
            "curl to another port of the proxy's node",
            r#"! curl --disable -sS --connect-timeout 1 "http://10.77.1.2:9/""#,
            " > 10.77.1.2.9: Flags [S]",
        ),
        script("getaddrinfo", r#"! getent ahosts "$1""#, "A? target.interop.example."),
        script("a datagram", r#"echo >"/dev/udp/$2/9""#, " > 10.77.2.2.9: UDP"),
        script("a datagram to the proxy's port", r#"echo >"/dev/udp/10.77.1.2/1080""#, " > 10.77.1.2.1080: UDP"),
    ]
}
