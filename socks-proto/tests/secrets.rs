//! No secret is in a `Debug`, an error or a message of one.

use socks_proto::{Auth, Command, Handshake, Login, Offer, Step, UserPass};

const USER: &str = "ann-of-the-tests";
const PASSWORD: &str = "s3cret-of-the-tests";

fn login() -> UserPass {
    UserPass::new(USER, PASSWORD).unwrap()
}

/// Neither as text nor as a list of numbers, which is what a derived `Debug` of bytes prints.
#[track_caller]
fn assert_hides(shown: &str) {
    for secret in [USER, PASSWORD] {
        assert!(!shown.contains(secret), "{shown}");
        let list = format!("{:?}", secret.as_bytes());
        assert!(!shown.contains(list.trim_matches(['[', ']'])), "{shown}");
    }
}

#[test]
fn debug_of_what_holds_a_login() {
    for shown in [
        format!("{:?} {:#?}", login(), login()),
        format!("{:?}", Login::from(login())),
        format!("{:?}", Auth::from(login())),
        format!("{:#?}", Offer::stepwise(login()).or(Login::None)),
        format!("{:?}", Offer::one_round_trip(login())),
    ] {
        assert!(!shown.is_empty());
        assert_hides(&shown);
    }
}

/// In each state: before anything was sent, with the login on its way, after it, and failed.
#[test]
fn debug_of_a_handshake_and_its_errors() {
    let target = "mail.example:25".parse().unwrap();
    for offer in [Offer::stepwise(login()), Offer::one_round_trip(login())] {
        let mut handshake = Handshake::new(Command::Connect(target), offer);
        let mut script = &[5, 2, 1, 1][..];
        let error = loop {
            assert_hides(&format!("{handshake:?} {handshake:#?}"));
            assert_hides(&format!("{:?}", handshake.step()));
            match handshake.step() {
                // One byte at a time, so that half a login is seen, too.
                Ok(Step::Send(_)) => handshake.sent(1),
                Ok(Step::Receive { .. }) => {
                    let (piece, rest) = script.split_at(1);
                    script = rest;
                    // step() has the error as well.
                    let _ = handshake.receive(piece);
                }
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_hides(&format!("{handshake:?} {error:?} {error:#?} {error}"));
    }
}

#[test]
fn a_login_that_does_not_fit_is_not_repeated() {
    let error = UserPass::new(USER, PASSWORD.repeat(20)).unwrap_err();
    assert_eq!(error.to_string(), "password of 380 bytes: SOCKS 5 carries 1 to 255");
    assert_hides(&format!("{error:?} {error}"));
}
