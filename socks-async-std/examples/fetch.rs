//! Fetches a page through a proxy, under smol or under async-std, and writes what the server says:
//!
//! ```text
//! cargo run --example fetch -- smol socks5h://127.0.0.1:9050 www.example:80/index.html
//! cargo run --example fetch -- async-std socks5h://ann:s3cret@gate.example www.example:80/
//! ```

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks_async_std::{Config, ProxyUrl, TargetAddr, connect};

const USAGE: &str = "usage: fetch smol|async-std PROXY-URL HOST:PORT/PATH";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match run(&args, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fetch: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say.
pub(crate) fn run(args: &[String], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let [runtime, proxy, page] = args else { return Err(USAGE.into()) };
    let (target, path) = page.split_once('/').unwrap_or((page, ""));
    let proxy = Config::from_url(&proxy.parse::<ProxyUrl>()?);
    let target: TargetAddr = target.parse()?;
    let response = match runtime.as_str() {
        "smol" => smol::block_on(under_smol(&proxy, target, path))?,
        "async-std" => async_std::task::block_on(under_async_std(&proxy, target, path))?,
        _ => return Err(USAGE.into()),
    };
    Ok(out.write_all(&response)?)
}

async fn under_smol(proxy: &Config, target: TargetAddr, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let stream = connect(proxy, target).await?;
    fetch(smol::net::TcpStream::from(stream), target, path).await
}

async fn under_async_std(proxy: &Config, target: TargetAddr, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let stream = connect(proxy, target).await?.into_inner()?;
    fetch(async_std::net::TcpStream::from(stream), target, path).await
}

/// Asks for a page, as HTTP did when a connection was for one page alone.
async fn fetch(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: TargetAddr,
    path: &str,
) -> Result<Vec<u8>, Box<dyn Error>> {
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(response)
}
