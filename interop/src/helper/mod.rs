//! What runs inside a namespace on the test's behalf, as `interop-node WHAT ARGUMENTS`.

mod echo;
mod http;
mod lines;
mod probe;
pub mod scripted;
mod socks;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, bail};

/// The word in every answer of the target that shows it is the target's.
pub const BODY: &str = "interop-body";

/// Runs the helper named by the first argument.
pub fn main(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["http", port, folder] => http::serve(&listen(port)?, folder.into()),
        ["lines", port] => lines::serve(&listen(port)?),
        ["echo", first, last] => echo::serve(first.parse().context("FIRST")?..=last.parse().context("LAST")?),
        ["mark", address] => probe::mark(address.parse().context("mark ADDRESS:PORT")?),
        ["scripted", port] => scripted::serve(port.parse().context("PORT")?),
        ["socks", port] => socks::serve(port.parse().context("PORT")?, None),
        ["socks", port, user, password] => socks::serve(port.parse().context("PORT")?, Some((user, password))),
        ["probe", address] => probe::connect(address.parse().context("probe ADDRESS:PORT")?),
        _ => bail!(
            "usage: interop-node http PORT FOLDER | lines PORT | echo FIRST LAST | probe ADDRESS:PORT | mark ADDRESS:PORT | \
             scripted PORT | socks PORT [USER PASSWORD]"
        ),
    }
}

/// Listens on all addresses of both families.
fn listen(port: &str) -> Result<TcpListener> {
    let port = port.parse().context("PORT")?;
    Ok(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))?)
}

/// Gives each connection its own thread, and prints the address of each peer: the log shows who came.
fn each_connection(
    listener: &TcpListener,
    handle: impl Fn(TcpStream, IpAddr) -> io::Result<()> + Clone + Send + 'static,
) -> Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        println!("from {peer}");
        let handle = handle.clone();
        thread::spawn(move || {
            if let Err(error) = handle(stream, peer.ip()) {
                println!("{peer}: {error}");
            }
        });
    }
}
