//! Programs that know SOCKS themselves: they show that a server works before the wrapper is blamed.

use super::{Call, Invocation, Program, nc, seen_in_output};
use crate::process::{Input, Outcome};
use crate::target::LINES_PORT;

/// curl with `--socks5`: it resolves names itself.
pub const CURL: Program = Program {
    name: "curl --socks5",
    needs: &["curl"],
    services: &[],
    invocation: |call| Ok(curl(call, "--socks5")),
    reached: seen_in_output,
    reports: proxy_said_no,
};

/// curl with `--socks5-hostname`: the address goes to the proxy as text.
pub const CURL_HOSTNAME: Program = Program {
    name: "curl --socks5-hostname",
    needs: &["curl"],
    services: &[],
    invocation: |call| Ok(curl(call, "--socks5-hostname")),
    reached: seen_in_output,
    reports: proxy_said_no,
};

/// nc with `-X 5 -x`: the BSD one; it cannot log in.
pub const NC: Program = Program {
    name: "nc -X 5",
    needs: &["nc"],
    services: &[],
    invocation: |call| {
        let (ip, port) = (call.host.to_string(), call.at(LINES_PORT).port.to_string());
        let proxy = call.proxy.as_ref().map(|p| p.address.to_string()).unwrap_or_default();
        let arguments = ["-n", "-X", "5", "-x", &proxy, &ip, &port];
        Ok(Invocation { stdin: Input::Text(nc::TALK), ..Invocation::new("nc", &arguments) })
    },
    reached: nc::talked,
    reports: |outcome, _| if outcome.success() { Err("it says success".into()) } else { Ok(()) },
};

fn curl(call: &Call<'_>, option: &str) -> Invocation {
    let url = call.url();
    let mut arguments = vec!["--disable", "-sSv", "--globoff"];
    let (address, login);
    if let Some(proxy) = &call.proxy {
        address = proxy.address.to_string();
        arguments.extend([option, &address]);
        if let Some((user, password)) = proxy.login {
            login = format!("{user}:{password}");
            arguments.extend(["--proxy-user", &login]);
        }
    }
    arguments.push(&url);
    Invocation::new("curl", &arguments)
}

/// curl does not translate the proxy's answer to an errno; it has one exit code for all of them.
fn proxy_said_no(outcome: &Outcome, _: &str) -> Result<(), String> {
    match outcome.code() {
        Some(97) => Ok(()),
        code => Err(format!("its exit code is {code:?}, not 97 for a refusal by the proxy")),
    }
}
