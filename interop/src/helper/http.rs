//! A web server of the least kind: GET and HEAD of files, and `/who`, which tells the client how it is seen.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{BODY, each_connection};

pub(super) fn serve(listener: &TcpListener, folder: PathBuf) -> Result<()> {
    each_connection(listener, move |stream, peer| answer(stream, peer, &folder))
}

fn answer(mut stream: TcpStream, peer: IpAddr, folder: &Path) -> io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 0 && header.trim() != "" {
        header.clear();
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let found = match (method, path) {
        ("GET" | "HEAD", "/who") => Some(format!("{BODY} peer={peer}.\n").into_bytes()),
        ("GET" | "HEAD", _) => read(folder, path),
        _ => None,
    };
    let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let kind = if path.ends_with(".html") { "text/html" } else { "text/plain" };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
    )?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    Ok(())
}

fn read(folder: &Path, path: &str) -> Option<Vec<u8>> {
    let path = Path::new(path.strip_prefix('/')?);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| fs::read(folder.join(path)).ok()).flatten()
}
