//! Datagrams of the relay: what is decoded is encoded to the same bytes, and the header ends where it ends.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socks_proto::udp::{DatagramError, MAX_HEADER_LEN, decode, encode_header, header_len};
use socks_proto::{TargetAddr, server};

fuzz_target!(|input: &[u8]| {
    let datagram = match decode(input) {
        Ok(datagram) => datagram,
        Err(DatagramError::Short { len }) => {
            assert_eq!(len, input.len());
            return assert!(len < MAX_HEADER_LEN, "no header is longer");
        }
        Err(error) => return assert_eq!(decode(&input[..4]), Err(error), "by its address type alone"),
    };

    let header = input.len() - datagram.payload.len();
    assert!(header <= MAX_HEADER_LEN);
    assert_eq!(datagram.payload, &input[header..]);
    assert_eq!(datagram.fragment().map(|part| part.position | u8::from(part.last) << 7).unwrap_or(0), datagram.frag);

    // RSV has no meaning, and is zero in what this side writes.
    let mut again = Vec::new();
    server::encode_datagram(&datagram, &mut again);
    assert_eq!(again[2..], input[2..]);
    assert_eq!(decode(&again), Ok(datagram));
    if let Ok(target) = TargetAddr::try_from(datagram.peer) {
        let mut out = Vec::new();
        encode_header(&target, &mut out);
        assert_eq!((out.len(), &out[3..]), (header, &input[3..header]));
        assert_eq!(header_len(&target), header);
    }

    // Within the header it is cut short, behind it only the payload is shorter.
    for len in 0..header {
        assert_eq!(decode(&input[..len]), Err(DatagramError::Short { len }));
    }
    for len in [header, (header + input.len()) / 2] {
        let shorter = decode(&input[..len]).expect("its header is whole");
        assert_eq!((shorter.frag, shorter.peer, shorter.payload), (datagram.frag, datagram.peer, &input[header..len]));
    }
});
