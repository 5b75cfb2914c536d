//! Fetches a page through a proxy and prints it:
//!
//! ```console
//! $ cargo run --example fetch -- socks5h://ann:s3cret@gate.example http://www.example/
//! ```
//!
//! What goes over the stream is the program's own: here one request of HTTP/1.0, after which the server closes.

use std::env;
use std::error::Error;

use socks_tokio::{Config, ProxyUrl, TargetAddr, connect};
use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy, stdout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(proxy), Some(url)) = (args.next(), args.next()) else {
        return Err("usage: fetch PROXY-URL http://HOST[:PORT]/[PATH]".into());
    };
    fetch(&proxy, &url, &mut stdout()).await
}

pub(crate) async fn fetch(proxy: &str, url: &str, out: &mut (impl AsyncWrite + Unpin)) -> Result<(), Box<dyn Error>> {
    let proxy: ProxyUrl = proxy.parse()?;
    let rest = url.strip_prefix("http://").ok_or("a URL that begins with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let target: TargetAddr = host.parse().or_else(|_| format!("{host}:80").parse())?;

    // The proxy resolves the name.
    let mut stream = connect(&Config::from_url(&proxy), target).await?;
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;

    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status).await?;
    if status.split(' ').nth(1) != Some("200") {
        return Err(status.trim_end().into());
    }
    // The header ends with an empty line.
    while answer.read_line(&mut String::new()).await? > 2 {}
    copy(&mut answer, out).await?;
    out.flush().await?;
    Ok(())
}
