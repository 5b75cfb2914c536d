//! Clients of databases.

use std::net::IpAddr;

use super::{Invocation, Program, error_text, says_error, seen_in_output};
use crate::helper::BODY;
use crate::process::{Input, Outcome};
use crate::service::postgres::{POSTGRES, USER};
use crate::service::redis::REDIS;

/// psql: libpq polls for its connect. The server's word for the peer.
pub const PSQL: Program = Program {
    name: "psql",
    needs: &["psql"],
    services: &[&POSTGRES],
    invocation: |call| {
        let address = call.at(POSTGRES.port);
        let database = format!(
            "host={} port={} user={USER} dbname=postgres connect_timeout=30 sslmode=prefer",
            address.host, address.port
        );
        let query =
            "select split_part(version(), ' ', 1), 'interop-' || 'body peer=' || host(inet_client_addr()) || '.'";
        Ok(Invocation::new("psql", &["--no-psqlrc", "--no-password", "-At", "-c", query, &database]))
    },
    reached: seen_in_output,
    reports: error_text,
};

/// redis-cli: a word is kept, and got back; and the server's word for the peer.
pub const REDIS_CLI: Program = Program {
    name: "redis-cli",
    needs: &["redis-cli"],
    services: &[&REDIS],
    invocation: |call| {
        let address = call.at(REDIS.port);
        let (ip, port) = (address.host.to_string(), address.port.to_string());
        Ok(Invocation {
            stdin: Input::Text("SET interop interop-body\nGET interop\nCLIENT INFO\n"),
            ..Invocation::new("redis-cli", &["-h", &ip, "-p", &port])
        })
    },
    reached: kept,
    // It goes on with the next line, to an exit code of 0.
    reports: |outcome, errno| says_error(&outcome.stderr, errno),
};

fn kept(outcome: &Outcome, seen: IpAddr) -> Result<(), String> {
    if !outcome.success() {
        return Err("it failed".into());
    }
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let peer = format!(" addr={seen}:");
    match lines[..] {
        ["OK", BODY, client] if client.contains(&peer) => Ok(()),
        _ => Err(format!("its output is not OK, {BODY} and a line with `{peer}`")),
    }
}
