//! Bytes both ways through the embedded proxy: ends of either direction, kinds of standard input, broken connections.

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::net::sockopt::set_socket_linger;
use socks_conformance::peers::listen;
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use tempfile::TempDir;

use common::{DIRECT, command, proxy_with_login, through, to};

/// More than all buffers on the way hold together.
const MUCH: usize = 24 << 20;

/// A target that answers with all it heard, when it has heard the end of it.
fn echo_at_end() -> SocketAddr {
    listen(|mut stream| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard)?;
        stream.write_all(&heard)
    })
}

fn much() -> Vec<u8> {
    (0..MUCH).map(|at| (at / 7 % 251) as u8).collect()
}

/// Says `input` and hears all of the answer, at once.
fn converse(mut command: Command, input: Vec<u8>) -> (Vec<u8>, Option<i32>) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("socksconnect runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("no panic").expect("all of it is taken");
    (output.stdout, output.status.code())
}

#[test]
fn the_end_of_input_ends_one_direction_alone() {
    let proxy = proxy_with_login();
    let (heard, code) = converse(command(&through(&proxy), to(echo_at_end())), much());
    assert_eq!(code, Some(0));
    assert!(heard == much(), "{} bytes came back", heard.len());
}

#[test]
fn the_end_of_output_ends_one_direction_alone() {
    let proxy = proxy_with_login();
    let (tell, told) = mpsc::channel();
    let target = listen(move |mut stream| {
        stream.write_all(b"all there is")?;
        stream.shutdown(Shutdown::Write)?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard)?;
        tell.send(heard).map_err(std::io::Error::other)
    });
    let mut child = command(&through(&proxy), to(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("socksconnect runs");
    let mut heard = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut heard).expect("its end");
    assert_eq!(heard, "all there is");
    // Only now is there any input.
    child.stdin.take().expect("a pipe").write_all(b"more").expect("it is taken");
    assert_eq!(told.recv().expect("the target heard it"), "more");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[test]
fn input_and_output_may_be_files_and_sockets() {
    let proxy = proxy_with_login();
    let folder = TempDir::new().expect("a folder");
    let (from, into) = (folder.path().join("from"), folder.path().join("into"));
    fs::write(&from, much()).expect("a file");
    let status = command(&through(&proxy), to(echo_at_end()))
        .stdin(File::open(&from).expect("a file"))
        .stdout(File::create(&into).expect("a file"))
        .status()
        .expect("socksconnect runs");
    assert_eq!(status.code(), Some(0));
    assert!(fs::read(&into).expect("a file") == much());

    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let output = theirs.try_clone().expect("a descriptor");
    let mut child = command(&through(&proxy), to(echo_at_end()))
        .stdin(OwnedFd::from(theirs))
        .stdout(OwnedFd::from(output))
        .spawn()
        .expect("socksconnect runs");
    ours.write_all(b"by a socket").expect("room");
    ours.shutdown(Shutdown::Write).expect("open");
    let mut heard = String::new();
    ours.read_to_string(&mut heard).expect("the answer");
    assert_eq!(heard, "by a socket");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[test]
fn names_go_to_the_proxy_and_the_proxy_may_be_on_a_unix_socket() {
    let folder = TempDir::new().expect("a folder");
    let socket = folder.path().join("proxy");
    let hosts = vec![("lab.example".to_owned(), [127, 0, 0, 1].into())];
    let config = ProxyConfig { listen: Listen::Unix(socket.clone()), hosts, ..ProxyConfig::default() };
    let proxy = Proxy::start(config).expect("a proxy");
    let rc = folder.path().join("rc");
    fs::write(&rc, format!("proxy 0.0.0.0/0 unix:{}\n", socket.display())).expect("a file");
    let rc = rc.to_str().expect("text");
    let target = ["lab.example".to_owned(), echo_at_end().port().to_string()];
    assert_eq!(converse(command(&["-f", rc], target), b"hello".to_vec()), (b"hello".to_vec(), Some(0)));
    let log = proxy.wait_for_log(1, common::PATIENCE).join("\n");
    assert!(log.contains("lab.example"), "{log}");
}

#[test]
fn a_direct_way_needs_no_proxy() {
    let command = command(&DIRECT, to(echo_at_end()));
    assert_eq!(converse(command, b"hello".to_vec()), (b"hello".to_vec(), Some(0)));
}

#[test]
fn ipv6_targets_go_through() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else { return common::skip("there is no IPv6 here") };
    let addr = listener.local_addr().expect("an address");
    let target = std::thread::spawn(move || listener.accept().and_then(|(mut stream, _)| stream.write_all(b"six")));
    let proxy = proxy_with_login();
    let (heard, code) = converse(command(&through(&proxy), to(addr)), Vec::new());
    assert_eq!((heard.as_slice(), code), (&b"six"[..], Some(0)));
    target.join().expect("no panic").expect("it was reached");
}

#[test]
fn nobody_reads_any_more() {
    let proxy = proxy_with_login();
    let target = listen(|mut stream| {
        loop {
            stream.write_all(&[0; 4096])?;
        }
    });
    let mut child = command(&through(&proxy), to(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("socksconnect runs");
    // The input stays open all the while.
    let _stdin = child.stdin.take();
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(74), &b""[..]));
}

#[test]
fn a_connection_that_breaks_is_told() {
    let target = listen(|mut stream| {
        stream.write_all(b"half")?;
        let mut heard = [0; 4];
        stream.read_exact(&mut heard)?;
        // Closing it now resets it.
        set_socket_linger(&stream, Some(std::time::Duration::ZERO))?;
        Ok(())
    });
    // Direct, as a proxy may turn a reset into an end.
    let mut child = command(&DIRECT, to(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("socksconnect runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"ping").expect("it is taken");
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("the connection broke: ") && said.lines().count() == 1, "{said}");
}
