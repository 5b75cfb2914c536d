//! Fetches a page through proxies in a chain: a handshake inside the stream of another.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::Context as _;
use examples::{Page, TIMEOUT, addr_of, args, shown};
use socks_blocking::{ProxyUrl, TargetAddr, connect_over};

fn main() -> anyhow::Result<()> {
    let [page, first, second, third] = args("fetch-chain PAGE FIRST-PROXY SECOND-PROXY THIRD-PROXY")?;
    let page: Page = page.parse()?;
    let [first, second, third] = [first.parse()?, second.parse()?, third.parse::<ProxyUrl>()?];
    let offer = |proxy: &ProxyUrl| proxy.server().offer(proxy.credentials());

    // The timeouts of the stream are those of every handshake over it.
    let stream = TcpStream::connect(addr_of(first.server())?)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let stream = connect_over(stream, server_of(&second)?, offer(&first))?;
    let stream = connect_over(stream, server_of(&third)?, offer(&second))?;
    let mut stream = connect_over(stream, page.server, offer(&third))?;

    stream.write_all(&page.request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    print!("{}", shown(&answer)?);
    Ok(())
}

/// A proxy as the target of the one before, which resolves its name.
fn server_of(proxy: &ProxyUrl) -> anyhow::Result<TargetAddr> {
    let endpoint = proxy.server().endpoint.to_string();
    endpoint.parse().with_context(|| format!("{endpoint}: no place that another proxy leads to"))
}
