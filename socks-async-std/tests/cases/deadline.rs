//! One deadline, whatever the proxy does. There is no clock to stop here: the deadlines are short and real, and what
//! takes far longer hangs.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socks_async_std::{
    DomainName, Error, Listener, Phase, Route, UdpAssociation, connect_through, resolve_ptr_through, resolve_through,
};

use crate::common::{METHOD_NONE, SHORT, config, listen, scripted, soon, to};
use crate::run;

#[test]
fn silence_ends_with_the_deadline_and_names_its_phase() {
    let silences: [(&'static [&'static [u8]], Phase); 3] =
        [(&[], Phase::Method), (&[METHOD_NONE], Phase::Reply), (&[METHOD_NONE, b"\x05\x00\x00\x01\x7f"], Phase::Reply)];
    for (answers, expected) in silences {
        run(async move {
            let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(answers)));
            let (target, began) = (to("mail.example:25"), Instant::now());
            let error = soon(connect_through(config.route(&target), target, SHORT)).await.expect_err("silence");
            assert!(began.elapsed() >= SHORT);
            let Error::TimedOut { phase } = error else { panic!("{error:?}") };
            assert_eq!(phase, expected);
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }
}

#[test]
fn every_request_has_one() {
    run(async {
        let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
        let route: Route<'_> = config.route(SocketAddr::from(([192, 0, 2, 1], 7)));
        let name = DomainName::new("mail.example").expect("a name");
        for error in [
            soon(Listener::bind_through(route, to("192.0.2.1:7"), SHORT)).await.map(drop).expect_err("silence"),
            soon(UdpAssociation::open_through(route, SHORT)).await.map(drop).expect_err("silence"),
            soon(resolve_through(route, name, SHORT)).await.map(drop).expect_err("silence"),
            soon(resolve_ptr_through(route, [192, 0, 2, 1].into(), SHORT)).await.map(drop).expect_err("silence"),
        ] {
            assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
        }
    });
}

#[test]
fn a_proxy_that_dribbles_does_not_extend_it() {
    run(async {
        // One byte every so often, each in time for a timeout that starts anew.
        let peer = listen(|mut stream| {
            stream.set_read_timeout(Some(SHORT / 4))?;
            stream.write_all(METHOD_NONE)?;
            for byte in b"\x05\x00\x00\x03\xff".iter().chain([b'a'; 257].iter()) {
                stream.write_all(&[*byte])?;
                // Nothing comes after the request: this read is what passes the time.
                while matches!(stream.read(&mut [0; 64]), Ok(n) if n > 0) {}
            }
            Ok(())
        });
        let config = config(&format!("proxy 0.0.0.0/0 {peer}"));
        let target = to("mail.example:25");
        let error = soon(connect_through(config.route(&target), target, SHORT)).await.expect_err("too slow");
        assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
    });
}

#[test]
fn silent_servers_share_it() {
    run(async {
        let silent = || scripted(&[]);
        let config = config(&format!("proxy 0.0.0.0/0 {},{},{}", silent(), silent(), silent()));
        let (target, whole) = (to("mail.example:25"), Duration::from_millis(2100));
        let began = Instant::now();
        let error = soon(connect_through(config.route(&target), target, whole)).await.expect_err("silence");
        assert!(began.elapsed() >= whole);
        let Error::CouldNotReach(unreachable) = error else { panic!("{error:?}") };
        assert!(unreachable.tried().iter().all(|attempt| attempt.error.kind() == io::ErrorKind::TimedOut));
        assert_eq!(unreachable.tried().len(), 3);
    });
}
