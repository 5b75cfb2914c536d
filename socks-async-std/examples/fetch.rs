//! Fetches a page through a proxy and prints it, under smol or under async-std:
//!
//! ```console
//! $ cargo run --example fetch -- socks5h://ann:s3cret@gate.example http://www.example/
//! $ cargo run --example fetch -- socks5h://ann:s3cret@gate.example http://www.example/ async-std
//! ```
//!
//! What goes over the stream is the program's own: here one request of HTTP/1.0, after which the server closes. With
//! `direct` for the proxy it goes there without one.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};

use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks_async_std::{Config, ProxyUrl, TargetAddr, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(proxy), Some(url)) = (args.next(), args.next()) else {
        return Err("usage: fetch PROXY-URL http://HOST[:PORT]/[PATH] [smol|async-std]".into());
    };
    let config = match proxy.as_str() {
        "direct" => Config::default(),
        proxy => Config::from_url(&proxy.parse::<ProxyUrl>()?),
    };
    let rest = url.strip_prefix("http://").ok_or("a URL that begins with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let target: TargetAddr = host.parse().or_else(|_| format!("{host}:80").parse())?;

    // The proxy resolves the name.
    let page = match args.next().as_deref() {
        None | Some("smol") => smol::block_on(async {
            let stream = connect(&config, target).await?;
            fetch(smol::net::TcpStream::from(stream), host, path).await
        }),
        Some("async-std") => async_std::task::block_on(async {
            let stream = connect(&config, target).await?.into_inner()?;
            fetch(async_std::net::TcpStream::from(stream), host, path).await
        }),
        Some(other) => Err(format!("{other} is neither smol nor async-std").into()),
    }?;
    Ok(stdout().write_all(&page)?)
}

/// Asks for a page, and gives it without its header.
async fn fetch(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    path: &str,
) -> Result<Vec<u8>, Box<dyn Error>> {
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;

    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status).await?;
    if status.split(' ').nth(1) != Some("200") {
        return Err(status.trim_end().into());
    }
    // The header ends with an empty line.
    while answer.read_line(&mut String::new()).await? > 2 {}
    let mut page = Vec::new();
    answer.read_to_end(&mut page).await?;
    Ok(page)
}
