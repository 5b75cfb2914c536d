//! Fetches a page: `socks-blocking`, as [`std::net::TcpStream`] without a proxy.

use std::io::{Read, Write};

use examples::{Page, TIMEOUT, args, shown};
use socks_blocking::{Config, ProxyUrl, connect};

fn main() -> anyhow::Result<()> {
    let [page, proxy] = args("fetch-blocking PAGE PROXY")?;
    let (page, proxy): (Page, ProxyUrl) = (page.parse()?, proxy.parse()?);

    let mut stream = connect(&Config::from_url(&proxy), page.server)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&page.request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    print!("{}", shown(&answer)?);
    Ok(())
}
