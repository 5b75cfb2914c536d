//! `socksconnect` as the ProxyCommand of ssh, for a command and for git: what nc cannot do where the proxy asks for a login.

use anyhow::{Context, Result};

use super::{Call, Invocation, Program, hello_in_output, seen_in_output};
use crate::helper::BODY;
use crate::process::Outcome;
use crate::setup::find_socksify;
use crate::sshd::{self, Sshd};
use crate::target::SSH_PORT;

/// One command, that says whom sshd sees.
pub const SSH: Program = Program {
    name: "ssh, ProxyCommand",
    needs: sshd::NEEDS,
    services: &[],
    invocation: |call| {
        let sshd = sshd_of(call)?;
        let mut arguments = vec!["-o".to_owned(), proxy_command(call)?];
        arguments.extend(sshd.client_arguments(call.host, call.at(SSH_PORT).port));
        arguments.push(format!("set -- $SSH_CONNECTION; echo {BODY} peer=$1."));
        Ok(Invocation { arguments, environment: login(call), ..Invocation::new("ssh", &[]) })
    },
    reached: seen_in_output,
    reports: said_by_socksconnect,
};

/// A repository; git starts ssh, and ssh this.
pub const GIT: Program = Program {
    name: "git over ssh, ProxyCommand",
    needs: &["git", "sshd", "ssh", "ssh-keygen"],
    services: &[],
    invocation: |call| {
        let sshd = sshd_of(call)?;
        let quoted: Vec<String> = sshd
            .client_options()
            .iter()
            .chain([&"-o".to_owned(), &proxy_command(call)?])
            .map(|word| format!("'{word}'"))
            .collect();
        let script = "set -e; git init -q --initial-branch=main \"$1/from\"; cp \"$2\" \"$1/from/hello\"; \
                      git -C \"$1/from\" add hello; git -C \"$1/from\" -c user.name=a -c user.email=a@b.example commit -qm x; \
                      git clone -q \"ssh://$3$1/from\" \"$1/into\"; cat \"$1/into/hello\"";
        let folder = call.site.new_folder(&format!("socksconnect-{}", call.number))?;
        let host = format!("{}@{}", sshd.user(), call.at(SSH_PORT));
        let (folder, hello) = (folder.display().to_string(), call.target.hello.display().to_string());
        let mut environment = login(call);
        environment.push(("GIT_SSH_COMMAND", format!("ssh {}", quoted.join(" "))));
        environment.push(("GIT_CONFIG_NOSYSTEM", "1".to_owned()));
        environment.push(("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()));
        Ok(Invocation { environment, ..Invocation::new("sh", &["-c", script, "sh", &folder, &hello, &host]) })
    },
    // Whom the target saw is in sshd's log.
    reached: hello_in_output,
    reports: said_by_socksconnect,
};

fn sshd_of<'a>(call: &Call<'a>) -> Result<&'a Sshd> {
    call.target.sshd.as_ref().context("the target has no sshd")
}

/// The one beside socksify, told of the proxy but not of the login.
fn proxy_command(call: &Call<'_>) -> Result<String> {
    let command = find_socksify()?.with_file_name("socksconnect");
    let proxy = call.proxy.as_ref().context("a proxy")?.address;
    Ok(format!("ProxyCommand={} -f /dev/null -x socks5://{proxy} %h %p", command.display()))
}

fn login(call: &Call<'_>) -> Vec<(&'static str, String)> {
    let login = call.proxy.as_ref().and_then(|proxy| proxy.login);
    login.map_or_else(Vec::new, |(user, password)| {
        vec![("SOCKS_USERNAME", user.to_owned()), ("SOCKS_PASSWORD", password.to_owned())]
    })
}

/// One line, that names the target.
fn said_by_socksconnect(outcome: &Outcome, _: &str) -> Result<(), String> {
    let lines = outcome.stderr.lines().filter(|line| line.starts_with("socksconnect: ")).count();
    match (outcome.success(), lines) {
        (true, _) => Err("it says success".into()),
        (false, 1) => Ok(()),
        (false, lines) => Err(format!("socksconnect says {lines} lines")),
    }
}
